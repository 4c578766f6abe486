"""The kept inputs, and some hundred new ones each time; `make fuzz` tries millions."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.fuzz.corpus import TARGETS, check_of, kept


@pytest.mark.parametrize(("target", "file"), kept(), ids=lambda each: getattr(each, "name", each))
def test_kept_inputs(target, file):
    check_of(target)(file.read_bytes())


@pytest.mark.parametrize("target", TARGETS)
@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.binary(max_size=2048))
def test_new_inputs(target, data):
    check_of(target)(data)
