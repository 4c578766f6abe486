"""TOML read with every mistake in it told at once: where each is, what is wrong, what to do.

What a table may hold is said by readers: for each key, what makes a value of what stands there, or
refuses it in a sentence. A key without a reader is a mistake, and so is one that is missing.
"""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import MISSING, dataclass, fields, replace
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from asterisk_siptrunk.billing.money import parse_price
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import parse_name

T = TypeVar("T")
Reader = Callable[[Any], Any]
Readers = Mapping[str, Reader]

LONGEST_TITLE = 80


class _Number(str):
    """A number with a point, as it was written: a float would be another one."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, and the way to it: tables, keys, entries."""

    what: str
    way: tuple[str, ...] = ()

    def __str__(self) -> str:
        return ": ".join(filter(None, (", ".join(self.way), self.what)))


class Wrong(Exception):
    """What was read has these mistakes; whoever asked for it says where it is."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        super().__init__()
        self.mistakes = tuple(mistakes)

    def seen_from(self, place: str) -> Iterator[Mistake]:
        """The same, one step further up."""
        return (replace(one, way=(place, *one.way)) for one in self.mistakes)


def parse_toml(text: str, source: str) -> dict[str, Any]:
    """Read the text of a file; numbers with a point stay as they were written.

    Raises:
        InvalidInput: it is not TOML.
    """
    try:
        return tomllib.loads(text.removeprefix("\ufeff"), parse_float=_Number)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{source}: this is not TOML: {error}") from None


def named_tables(
    given: object, key: str, read: Callable[[str, Any], T], mistakes: list[Mistake]
) -> dict[str, T]:
    """The tables of a key, by their names: those that are right; what is wrong joins `mistakes`."""
    found = {}
    if not isinstance(given, dict):
        mistakes.append(Mistake(f"give a table for each, as in [{key}.example].", (key,)))
    for name, content in table(given).items():
        try:
            found[name] = read(name, content)
        except Wrong as wrong:
            mistakes.extend(wrong.seen_from(f"{key}.{name}"))
    return found


def table(given: object) -> Mapping[str, Any]:
    """A table as it is; an empty one for what is none."""
    return given if isinstance(given, dict) else {}


def make(kind: type[T], read: Readers, given: object, **known: object) -> T:
    """Make a thing of a table, by what reads each key; `known` is not asked of the table.

    Raises:
        Wrong: with all that is wrong with it.
    """
    if not isinstance(given, dict):
        raise Wrong([Mistake(f"{_shown(given)} is no table: give keys and their values.")])
    values, mistakes = dict(known), []
    for key, value in given.items():
        if key not in read:
            mistakes.append(Mistake(f"there is no key {key!r}; there are {', '.join(read)}."))
            continue
        try:
            values[key] = read[key](value)
        except InvalidInput as error:
            mistakes.append(Mistake(str(error), (key,)))
        except Wrong as wrong:
            mistakes.extend(wrong.seen_from(key))
    missing = [key for key in _required(kind) if key in read and key not in given]
    mistakes += [Mistake(f"the key {key!r} is missing.") for key in missing]
    if mistakes:
        raise Wrong(mistakes)
    return kind(**values)


def _required(kind: type[Any]) -> Iterator[str]:
    return (field.name for field in fields(kind) if field.default is MISSING)


def entries(kind: type[T], read: Readers, given: object) -> tuple[T, ...]:
    """A list of things, each with a name of its own.

    Raises:
        Wrong: with all that is wrong with them.
        InvalidInput: it is no list.
    """
    if not isinstance(given, list):
        raise InvalidInput(
            f"{_shown(given)} is no list: give one in brackets, of tables in braces."
        )
    found: list[T] = []
    mistakes: list[Mistake] = []
    for number, content in enumerate(given, start=1):
        try:
            found.append(make(kind, read, content))
        except Wrong as wrong:
            mistakes.extend(wrong.seen_from(f"entry {number}"))
    mistakes += [Mistake(f"two entries have the name {name!r}.") for name in _twice(given)]
    if mistakes:
        raise Wrong(mistakes)
    return tuple(found)


def _twice(given: Sequence[object]) -> list[str]:
    names = [name for each in given if isinstance(name := table(each).get("name"), str)]
    return sorted({name for name in names if names.count(name) > 1})


def name_of_table(name: str) -> str:
    """The name that stands in a table's title.

    Raises:
        Wrong: it cannot be one.
    """
    try:
        return parse_name(name)
    except InvalidInput as error:
        raise Wrong([Mistake(str(error))]) from None


def text_by(rule: Callable[[str], str]) -> Reader:
    """A reader of texts that a rule takes or refuses."""

    def read(value: object) -> str:
        if type(value) is not str:
            raise InvalidInput(f"{_shown(value)} is no text: put it in quotes.")
        return rule(value)

    return read


def parse_title(text: str) -> str:
    """Give a title back: one line for people, that fits an invoice.

    Raises:
        InvalidInput: it is empty, too long, or holds what is no text.
    """
    if text.strip() and text.isprintable() and len(text) <= LONGEST_TITLE:
        return text
    raise InvalidInput(f"{text[:80]!r} cannot stand in it: give 1 to {LONGEST_TITLE} characters.")


def count_of(least: int, most: int) -> Reader:
    """A reader of whole numbers between two."""

    def read(value: object) -> int:
        if type(value) is not int or not least <= value <= most:
            raise InvalidInput(f"{_shown(value)} is no whole number from {least} to {most}.")
        return value

    return read


def price(value: object) -> Decimal:
    """Read a price: a number with or without quotes, exactly as it stands there.

    Raises:
        InvalidInput: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise InvalidInput(f"{_shown(value)} is no price: give one like 12.50.")
    return parse_price(str(value))


def day(value: object) -> date:
    """Read a day.

    Raises:
        InvalidInput: it is none, or has a time.
    """
    if type(value) is not date:
        raise InvalidInput(f"{_shown(value)} is no day: give one without quotes, as 2027-01-01.")
    return value


def _shown(value: object) -> str:
    """A value about as the file has it."""
    match value:
        case bool():
            return str(value).lower()
        case str():
            return repr(str(value))
        case dict() | list():
            return f"a {'table' if isinstance(value, dict) else 'list'}"
        case _:
            return str(value)
