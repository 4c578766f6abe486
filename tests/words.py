"""`make words`: brings the sentences that pages say into the files of their translations.

A sentence is what `say`, `say_many`, `_` or `_n` is given; where that is a name, whatever the
module gives that name. A few come from the rooms, which know nothing of languages.
"""

from __future__ import annotations

import ast
import re
import sys
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from asterisk_siptrunk.call import Reason, fault

if TYPE_CHECKING:
    from collections.abc import Iterator

PACKAGE = Path(__file__).parents[1] / "asterisk_siptrunk"
LOCALE = PACKAGE / "web/locale"
SPOKEN = {"_FAULTS", "RESULTS"}
"""Constants of modules whose values templates say by another name."""
_SAYING = {"say": 1, "say_many": 2}
"""Functions, and how many of their first arguments are sentences."""
Sentence = str | tuple[str, str]


def sentences() -> set[Sentence]:
    """All that pages may say: one text, or two where it depends on a number."""
    return {*_of_templates(), *_of_code(), *_of_rooms()}


def _of_templates() -> Iterator[Sentence]:
    found = extract_from_dir(
        PACKAGE / "web/templates",
        [("**.html", "jinja2")],
        {"**.html": {"extensions": "jinja2.ext.do", "silent": "false"}},
        keywords={"_": None, "_n": (1, 2)},
    )
    for _, _, message, _, _ in found:
        if message:
            yield message if isinstance(message, str) else (message[0], message[1])


def _of_rooms() -> Iterator[str]:
    yield from (reason.sentence for reason in Reason)
    yield from fault._SAID.values()


def _of_code() -> Iterator[Sentence]:
    for file in sorted((PACKAGE / "web").rglob("*.py")):
        if "api" not in file.relative_to(PACKAGE / "web").parts:
            yield from _Module(ast.parse(file.read_text())).sentences()


class _Module:
    """What one module says."""

    def __init__(self, tree: ast.Module) -> None:
        self._tree = tree
        self._values: defaultdict[str, list[ast.expr]] = defaultdict(list)
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._bind(target, node.value)
            elif isinstance(node, ast.AnnAssign) and node.value:
                self._bind(node.target, node.value)
            elif isinstance(node, ast.For):
                self._bind(node.target, node.iter)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        for name in ast.walk(target):
            if isinstance(name, ast.Name):
                self._values[name.id].append(value)

    def sentences(self) -> Iterator[Sentence]:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Call) and (count := _SAYING.get(_name_of(node.func))):
                said = node.args[:count]
                texts = [one.value for one in said if isinstance(one, ast.Constant)]
                if count == 2 and len(texts) == 2:
                    yield str(texts[0]), str(texts[1])
                elif said:
                    yield from self._texts(said[0], set())
        for name in SPOKEN & self._values.keys():
            for value in self._values[name]:
                yield from self._texts(value, {name})

    def _texts(self, value: ast.expr, seen: set[str]) -> Iterator[str]:
        """The texts that an expression may stand for, through the names in it."""
        for node in _meant(value):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value:
                yield node.value
            elif isinstance(node, ast.Name) and node.id not in seen:
                for each in self._values[node.id]:
                    yield from self._texts(each, seen | {node.id})


def _name_of(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")


def _meant(value: ast.expr) -> Iterator[ast.expr]:
    """The parts of an expression that it may come to: no condition, no key, no other call."""
    match value:
        case ast.IfExp():
            yield from (*_meant(value.body), *_meant(value.orelse))
        case ast.BoolOp():
            yield from (part for each in value.values for part in _meant(each))
        case ast.Dict():
            yield from (part for each in value.values for part in _meant(each))
        case ast.Tuple() | ast.List():
            yield from (part for each in value.elts for part in _meant(each))
        case ast.Subscript():
            yield from _meant(value.value)
        case ast.Call() if _name_of(value.func) in {"get", "items"}:
            yield from _meant(value.func.value)  # type: ignore[attr-defined] # a dict's
        case _:
            yield value


def renew(file: Path) -> list[str]:
    """Bring a language's file up to date; the sentences that it does not have yet."""
    template = Catalog()
    for one in sentences():
        template.add(one, flags=["python-format"] if "%(" in str(one) else [])
    with file.open("rb") as lines:
        catalogue = read_po(lines, locale=file.parts[-3])
    catalogue.update(template, no_fuzzy_matching=True)
    catalogue.obsolete.clear()
    with file.open("wb") as lines:
        write_po(lines, catalogue, width=100, sort_output=True, omit_header=False)
    return [str(one.id) for one in catalogue if one.id and not all(texts(one.string))]


def texts(sentence: object) -> tuple[str, ...]:
    """The one text of a sentence, or the two."""
    return tuple(sentence) if isinstance(sentence, tuple | list) else (str(sentence),)


def placeholders(text: str) -> set[str]:
    """The names of the values in a sentence."""
    return set(re.findall(r"%\((\w+)\)s", text))


def main() -> int:
    """Renew all; 1 where a sentence waits for its translation."""
    missing = 0
    for file in sorted(LOCALE.glob("*/LC_MESSAGES/*.po")):
        for text in renew(file):
            print(f"{file.parts[-3]}: {text}")
            missing += 1
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
