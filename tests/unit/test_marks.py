"""`make test` looks for the tests of a real part in the folder of that part alone."""

from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
FOLDERS = {"asterisk": {"asterisk"}, "browser": {"browser", "asterisk"}, "alone": {"asterisk"}}


@pytest.mark.parametrize("mark", FOLDERS)
def test_a_test_of_a_real_part_stands_where_it_is_looked_for(mark):
    marked = [
        file for file in TESTS.rglob("test_*.py") if f"pytest.mark.{mark}" in file.read_text()
    ]
    assert {file.relative_to(TESTS).parts[0] for file in marked} == FOLDERS[mark]
