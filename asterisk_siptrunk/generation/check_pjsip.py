"""What Asterisk would reject in PJSIP's files, mostly without a word to whoever asked it to reload.

A duplicate id rejects all objects of its type; an unknown option rejects its object; a reference
to what is not there shows at the first call.
"""

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from asterisk_siptrunk.generation.parse import Entry, Parsed, Problem, Section

_REFERENCES = {
    ("endpoint", "auth"): "auth",
    ("endpoint", "outbound_auth"): "auth",
    ("endpoint", "aors"): "aor",
    ("endpoint", "transport"): "transport",
    ("identify", "endpoint"): "endpoint",
    ("registration", "outbound_auth"): "auth",
    ("registration", "endpoint"): "endpoint",
    ("registration", "transport"): "transport",
}
"""Options that name objects of another type, and of which."""


@dataclass(frozen=True, slots=True)
class PjsipObject:
    """One object as Asterisk would build it: its section's entries after its templates'."""

    section: Section
    type: str
    entries: tuple[Entry, ...]

    def values(self, key: str) -> list[Entry]:
        """All entries of an option, in order."""
        return [entry for entry in self.entries if entry.key == key]


@cache
def known_options() -> Mapping[str, frozenset[str]]:
    """The options of each type; `data/pjsip_options.toml` says where they were read."""
    data = resources.files("asterisk_siptrunk.generation").joinpath("data/pjsip_options.toml")
    types: dict[str, list[str]] = tomllib.loads(data.read_text(encoding="utf-8"))["types"]
    return {name: frozenset(options) for name, options in types.items()}


def check_pjsip(parsed: Parsed, contexts: Iterable[str]) -> list[Problem]:
    """Find what is wrong; `contexts` are those of the dialplan."""
    objects, problems = build(parsed)
    names = {(each.type, each.section.name) for each in objects}
    here = frozenset(contexts)
    for each in objects:
        problems.extend(_options(each))
        problems.extend(_references(each, names))
        problems.extend(_contexts(each, here))
    return [*parsed.problems, *problems, *_duplicates(objects)]


def build(parsed: Parsed) -> tuple[list[PjsipObject], list[Problem]]:
    """Put each section together with the templates that it inherits from."""
    templates: dict[str, tuple[Entry, ...]] = {}
    objects: list[PjsipObject] = []
    problems: list[Problem] = []
    for section in parsed.sections:
        missing = [parent for parent in section.parents if parent not in templates]
        problems.extend(section.problem(f"there is no template [{name}]") for name in missing)
        inherited = (entry for name in section.parents for entry in templates.get(name, ()))
        entries = (*inherited, *section.entries)
        if section.is_template:
            templates[section.name] = entries
            continue
        types = [entry.value for entry in entries if entry.key == "type"]
        if len(types) == 1:
            objects.append(PjsipObject(section, types[0], entries))
        else:
            problems.append(section.problem(f"[{section.name}] needs one type, and has {types}"))
    return objects, problems


def _options(each: PjsipObject) -> Iterator[Problem]:
    known = known_options().get(each.type)
    if known is None:
        yield each.section.problem(f"[{each.section.name}] is of the unknown type {each.type!r}")
        return
    for entry in each.entries:
        if entry.key not in known:
            yield entry.problem(f"type={each.type} has no option {entry.key!r}")
        elif not entry.value:
            yield entry.problem(f"{entry.key} has no value")


def _references(each: PjsipObject, names: set[tuple[str, str]]) -> Iterator[Problem]:
    for (owner, option), target in _REFERENCES.items():
        if owner != each.type:
            continue
        for entry in each.values(option):
            for name in filter(None, entry.value.split(",")):
                if (target, name) not in names:
                    yield entry.problem(f"{option}: there is no {target} [{name}]")


def _contexts(each: PjsipObject, contexts: frozenset[str]) -> Iterator[Problem]:
    if each.type != "endpoint":
        return
    entries = each.values("context")
    if not entries:
        yield each.section.problem(f"[{each.section.name}] has no context: it would be 'default'")
    for entry in entries:
        if entry.value not in contexts:
            yield entry.problem(f"the dialplan has no context [{entry.value}]")


def _duplicates(objects: Iterable[PjsipObject]) -> Iterator[Problem]:
    first: dict[tuple[str, str], Section] = {}
    for each in objects:
        earlier = first.setdefault((each.type, each.section.name), each.section)
        if earlier is not each.section:
            yield each.section.problem(
                f"[{each.section.name}] is a second {each.type}; "
                f"the first is at {earlier.file}:{earlier.line}"
            )
