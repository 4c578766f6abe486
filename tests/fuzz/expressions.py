"""Expressions of number plans: their blocks hold just the numbers that the expression fits."""

import re
from contextlib import suppress
from functools import cache
from itertools import product

from asterisk_siptrunk.destination import digits
from tests.fuzz.source import Source

_LONGEST = 2
_DIGITS = "0129"
_NUMBERS = ["".join(some) for n in range(_LONGEST + 1) for some in product(_DIGITS, repeat=n)]
_ATOMS = ("0", "1", "2", "9", "\\d", "[0-2]", "[19]", "[02-9]")


def check(data: bytes) -> None:
    source = Source(data)
    if source.below(2):
        _only_values_are_refused(source.rest())
        return
    expression = _expression(source, 1)
    blocks = digits.expand(expression)
    _same_numbers(blocks, expression)
    _same_numbers(digits.merged(blocks), expression)


def _only_values_are_refused(data: bytes) -> None:
    text = "".join("0129[]-(?:)|{,}\\dx\u0663"[byte % 19] for byte in data[:12])
    if re.search(r"\d\d|\d.*\{.*\{", text):  # blocks by the million: no plan is like that
        return
    with suppress(ValueError):
        digits.expand(text)


def _expression(source: Source, depth: int) -> str:
    return "|".join(_sequence(source, depth) for _ in range(1 + source.below(2)))


def _sequence(source: Source, depth: int) -> str:
    return "".join(
        _atom(source, depth) + source.one_of(("", "?", "{2}", "{0,1}", "{1,2}"))
        for _ in range(1 + source.below(2))
    )


def _atom(source: Source, depth: int) -> str:
    if depth and source.below(3) == 0 and source:
        return f"{source.one_of(('(', '(?:'))}{_expression(source, depth - 1)})"
    return source.one_of(_ATOMS)


def _same_numbers(blocks: list[digits.Block], expression: str) -> None:
    pattern = re.compile(expression)
    short = (_numbers_of(block) for block in blocks if len(block) <= _LONGEST)
    held = frozenset[str]().union(*short)
    fitting = {number for number in _NUMBERS if pattern.fullmatch(number)}
    assert held == fitting, (expression, held ^ fitting)


@cache
def _numbers_of(block: digits.Block) -> frozenset[str]:
    """The numbers of a block that are among ours."""
    places = ([digit for digit in _DIGITS if mask >> int(digit) & 1] for mask in block)
    return frozenset(map("".join, product(*places)))
