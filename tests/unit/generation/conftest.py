import pytest

from asterisk_siptrunk.destination import AwayPattern
from asterisk_siptrunk.generation import render


@pytest.fixture
def few_patterns(monkeypatch):
    """Real number plans make hundreds of patterns, and have tests of their own."""
    home = (
        AwayPattern("_0[1-5]XXXXXXXX", 1, "+33"),
        AwayPattern("_+33[1-7]XXXXXXXX", 0, ""),
    )
    monkeypatch.setattr(render, "domestic_patterns", lambda _: home)
    monkeypatch.setattr(
        render, "open_patterns", lambda _: (*home, AwayPattern("_00ZXXXXXXXX", 2, "+"))
    )
    render._country_values.cache_clear()
    yield
    render._country_values.cache_clear()
