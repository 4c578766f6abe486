import re
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from asterisk_siptrunk.destination.digits import (
    Block,
    expand,
    extremes,
    literal,
    merged,
    subtract,
    within,
    written,
)


def numbers(blocks: list[Block]) -> set[str]:
    """Every number of the blocks."""
    digits = [[[d for d in "0123456789" if mask >> int(d) & 1] for mask in b] for b in blocks]
    return {"".join(choice) for places in digits for choice in product(*places)}


@pytest.mark.parametrize(
    "expression",
    [
        "12",
        "[1-35]",
        r"\d",
        "(?:1|23)4",
        "1(?:2|[4-6]){2}",
        "12?3",
        r"1\d{1,2}",
        "(?:1|2)?3",
        "1|2|",
    ],
)
def test_expansion_is_the_expression(expression: str) -> None:
    pattern = re.compile(expression)
    texts = ["".join(t) for length in range(4) for t in product("0123456789", repeat=length)]
    assert numbers(expand(expression)) == {text for text in texts if pattern.fullmatch(text)}


@pytest.mark.parametrize("expression", ["1.", "a", "1)", "(?:12", "1*"])
def test_other_expressions_are_refused(expression: str) -> None:
    with pytest.raises(ValueError, match=r"Cannot read|invalid literal|is missing"):
        expand(expression)


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (r"0[1-7]\d{3}", "0[1-7]XXX"),
        ("[1-9]", "Z"),
        ("[2-9]", "N"),
        ("[13579]", "[13579]"),
        ("[0-357-9]", "[0-357-9]"),
        ("[89]", "[89]"),
        ("[0-8]", "[0-8]"),
    ],
)
def test_written_for_asterisk(expression: str, text: str) -> None:
    assert [written(block) for block in expand(expression)] == [text]


def test_ends() -> None:
    assert [extremes(block) for block in expand(r"0[24]\d|7")] == [("020", "049"), ("7", "7")]


BLOCKS = st.lists(
    st.lists(st.integers(1, 2**10 - 1), min_size=1, max_size=3).map(tuple), max_size=3
)
PREFIXES = st.from_regex(r"[0-9]{1,4}", fullmatch=True)


@given(BLOCKS)
def test_merging_keeps_the_numbers(blocks: list[Block]) -> None:
    fewer = merged(blocks)
    assert numbers(fewer) == numbers(blocks)
    assert len(fewer) <= len(blocks)
    assert merged(reversed(blocks)) == fewer or numbers(merged(reversed(blocks))) == numbers(fewer)


@given(BLOCKS, PREFIXES)
def test_subtraction_and_narrowing_share_the_numbers(blocks: list[Block], prefix: str) -> None:
    every = numbers(blocks)
    begun = {number for number in every if number.startswith(prefix)}
    assert numbers(subtract(blocks, [literal(prefix)])) == every - begun
    assert numbers(within(blocks, literal(prefix))) == begun
