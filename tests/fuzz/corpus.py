"""The targets, and the inputs kept for each: good seeds, and all that ever found a fault."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import cast

FOLDER = Path(__file__).parent / "corpus"
TARGETS = ("agi", "ami", "expressions", "journal", "numbers", "rendering", "values")


def check_of(target: str) -> Callable[[bytes], None]:
    return cast("Callable[[bytes], None]", import_module(f"tests.fuzz.{target}").check)


def kept() -> list[tuple[str, Path]]:
    """Each kept input, with its target."""
    return [(target, file) for target in TARGETS for file in sorted((FOLDER / target).iterdir())]
