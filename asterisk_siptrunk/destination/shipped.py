"""The room's data files: the one place that reads them.

They are TOML, packaged in `destination/data/`, each with its `source` and the `as_of` date it was
checked on. Each is read once, when first asked for.
"""

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def load(name: str) -> dict[str, Any]:
    """Content of `data/NAME.toml`, shared by all callers: read it, never change it."""
    text = (resources.files(__package__) / "data" / f"{name}.toml").read_text("utf-8")
    return tomllib.loads(text)
