"""Reads Asterisk's configuration files more strictly than Asterisk does.

Asterisk's parser (main/config.c) warns of a line that it does not understand and goes on, or
leaves the rest of an included file out, and then says that the reload went well.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

_SECTION = re.compile(r"\[([^\[\]]+)\](?:\(([^()]*)\))?")
_INCLUDE = re.compile(r"#include\s+(\S+)")
_ENTRY = re.compile(r"([A-Za-z0-9_][^=>]*?)\s*(=>|=)\s*(.*)", re.DOTALL)
_LONGEST_LINE = 8191  # MAX_INCLUDE_LEVEL aside, main/config.c reads lines into char buf[8192]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong at one place of a file."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        """Write it as compilers do: `file:line: what`."""
        return f"{self.file}:{self.line}: {self.what}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One `key = value` or `key => value`."""

    file: str
    line: int
    key: str
    value: str

    def problem(self, what: str) -> Problem:
        """Something wrong with this line."""
        return Problem(self.file, self.line, what)


@dataclass(slots=True)
class Section:
    """One `[name]`; `parents` are the templates that it inherits from, as named."""

    file: str
    line: int
    name: str
    is_template: bool = False
    parents: tuple[str, ...] = ()
    entries: list[Entry] = field(default_factory=list)

    def problem(self, what: str) -> Problem:
        """Something wrong with the section as a whole."""
        return Problem(self.file, self.line, what)


@dataclass(slots=True)
class Parsed:
    """Sections in the order in which Asterisk meets them, and what is wrong with the lines."""

    sections: list[Section] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def parse(
    files: Mapping[str, str], top: str, prefix: str = "siptrunk/", *, within: str = ""
) -> Parsed:
    """Read one file and what it includes; `files` maps names without `prefix` to texts.

    `within` is the section of a file of Asterisk's own that includes this one, if it does.
    """
    parsed = Parsed([Section(top, 0, within)] if within else [])
    _read(files, top, prefix, parsed)
    return parsed


def _read(files: Mapping[str, str], name: str, prefix: str, parsed: Parsed) -> None:
    for number, line in _lines(files[name]):
        if problem := _unreadable(name, number, line):
            parsed.problems.append(problem)
        elif line.startswith("#"):
            _include(files, Problem(name, number, line), prefix, parsed)
        elif line.startswith("["):
            _section(name, number, line, parsed)
        else:
            _entry(name, number, line, parsed)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, without their comments; numbers begin at 1."""
    for number, raw in enumerate(text.split("\n"), 1):
        line = re.sub(r"(?<!\\);.*", "", raw, flags=re.DOTALL).strip(" \t")
        if line:
            yield number, line


def _unreadable(name: str, number: int, line: str) -> Problem | None:
    if len(line) > _LONGEST_LINE:
        return Problem(name, number, f"longer than the {_LONGEST_LINE} characters Asterisk reads")
    if not line.isprintable():
        return Problem(name, number, "holds a control character")
    return None


def _include(files: Mapping[str, str], at: Problem, prefix: str, parsed: Parsed) -> None:
    found = _INCLUDE.fullmatch(at.what)
    if found is None:
        parsed.problems.append(Problem(at.file, at.line, f"unknown directive {at.what!r}"))
    elif (included := found[1].removeprefix(prefix)) not in files:
        parsed.problems.append(Problem(at.file, at.line, f"{found[1]} is not there"))
    else:
        _read(files, included, prefix, parsed)


def _section(name: str, number: int, line: str, parsed: Parsed) -> None:
    found = _SECTION.fullmatch(line)
    if found is None:
        parsed.problems.append(Problem(name, number, f"{line!r} is no section"))
        return
    options = [option.strip() for option in (found[2] or "").split(",") if option.strip()]
    parents = tuple(option for option in options if option not in {"!", "+"})
    parsed.sections.append(Section(name, number, found[1], "!" in options, parents))


def _entry(name: str, number: int, line: str, parsed: Parsed) -> None:
    found = _ENTRY.fullmatch(line)
    if found is None:
        parsed.problems.append(Problem(name, number, f"{line!r} is no setting"))
    elif not parsed.sections:
        parsed.problems.append(Problem(name, number, "a setting outside any section"))
    else:
        # An included file goes on in the section that includes it.
        parsed.sections[-1].entries.append(Entry(name, number, found[1].strip(), found[3].strip()))
