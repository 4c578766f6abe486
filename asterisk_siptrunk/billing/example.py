"""A catalogue and a deck of rates to begin from: examples, dated, and nobody's price list."""

from importlib import resources

_FOLDER = resources.files("asterisk_siptrunk.billing") / "data"


def example_catalogue() -> str:
    """The text of `data/example_catalogue.toml`."""
    return (_FOLDER / "example_catalogue.toml").read_text(encoding="utf-8")


def example_rates() -> str:
    """The text of `data/example_rates.csv`: the deck that the example catalogue names."""
    return (_FOLDER / "example_rates.csv").read_text(encoding="utf-8")
