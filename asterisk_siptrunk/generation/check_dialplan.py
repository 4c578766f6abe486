"""What is wrong in a dialplan, before a call finds out.

Asterisk takes any text for an application's arguments and finds a missing target when a call gets
there. And our own rule: what an endpoint can reach admits digits only, of bounded length.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from asterisk_siptrunk.generation.parse import Entry, Parsed, Problem

# exten => NUMBER,PRIORITY[(LABEL)],APPLICATION(ARGUMENTS); same => PRIORITY[(LABEL)],APPLICATION(…)
_PRIORITY = re.compile(r"(n|[1-9][0-9]*|hint)(?:\(([A-Za-z][\w-]*)\))?")
_APPLICATION = re.compile(r"([A-Za-z]\w*)\((.*)\)")
_ADMITTED = re.compile(r"_?\+?(?:[0-9XZN]|\[[0-9-]+\]){1,20}")
_DIGITS = {"X": "0-9", "Z": "1-9", "N": "2-9"}
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True, slots=True)
class Step:
    """One priority of an extension."""

    entry: Entry
    exten: str
    priority: int
    label: str | None
    application: str
    arguments: str


@dataclass(slots=True)
class Context:
    """One context, merged from all its sections."""

    name: str
    steps: list[Step] = field(default_factory=list)
    includes: list[Entry] = field(default_factory=list)

    @property
    def extens(self) -> dict[str, list[Step]]:
        """Its extensions, by pattern."""
        found: dict[str, list[Step]] = {}
        for step in self.steps:
            found.setdefault(step.exten, []).append(step)
        return found


def contexts_of(parsed: Parsed) -> tuple[dict[str, Context], list[Problem]]:
    """Read the contexts of a dialplan, and what cannot be read."""
    contexts: dict[str, Context] = {}
    problems: list[Problem] = []
    for section in parsed.sections:
        if section.name in {"general", "globals"}:
            continue
        context = contexts.setdefault(section.name, Context(section.name))
        for entry in section.entries:
            problem = _read(entry, context)
            if problem:
                problems.append(problem)
    return contexts, problems


def check_dialplan(parsed: Parsed, entries: Iterable[str] = ()) -> list[Problem]:
    """Find what is wrong; `entries` are the contexts that endpoints call into."""
    contexts, problems = contexts_of(parsed)
    problems = [*parsed.problems, *problems]
    for context in contexts.values():
        problems.extend(_includes(context, contexts))
        problems.extend(_twice(context))
        for step in context.steps:
            problems.extend(_targets(step, context, contexts))
    return [*problems, *_open_entries(entries, contexts)]


def _read(entry: Entry, context: Context) -> Problem | None:
    if entry.key == "include":
        context.includes.append(entry)
        return None
    if entry.key not in {"exten", "same"}:
        return entry.problem(f"a dialplan has no directive {entry.key!r}")
    previous = context.steps[-1] if context.steps else None
    if entry.key == "same":
        if previous is None:
            return entry.problem("'same' without an extension before it")
        return _step(entry, previous.exten, entry.value, previous, context)
    exten, _, rest = entry.value.partition(",")
    same = previous if previous and previous.exten == exten else None
    return _step(entry, exten, rest, same, context)


def _step(
    entry: Entry, exten: str, rest: str, previous: Step | None, context: Context
) -> Problem | None:
    where, _, call = rest.partition(",")
    priority, application = _PRIORITY.fullmatch(where.strip()), _APPLICATION.fullmatch(call.strip())
    if priority is None:
        return entry.problem(f"{where!r} is no priority")
    if application is None:
        return entry.problem(f"{call!r} is no application with its arguments in parentheses")
    if unbalanced := _unbalanced(application[2]):
        return entry.problem(unbalanced)
    if priority[1] == "n" and previous is None:
        return entry.problem(f"extension {exten} begins with priority n")
    number = previous.priority + 1 if previous and priority[1] == "n" else int(priority[1])
    context.steps.append(Step(entry, exten, number, priority[2], application[1], application[2]))
    return None


def _unbalanced(text: str) -> str | None:
    """Say which bracket or quote has no partner, if one has not; quotes hide no brackets."""
    waiting: list[str] = []
    for character in text:
        if character in _OPENING:
            waiting.append(_CLOSING[_OPENING.index(character)])
        elif character in _CLOSING and (not waiting or waiting.pop() != character):
            return f"{character!r} closes nothing"
    if waiting:
        return f"{waiting[-1]!r} is missing"
    return "a quotation mark has no partner" if text.count('"') % 2 else None


def _includes(context: Context, contexts: dict[str, Context]) -> Iterator[Problem]:
    for entry in context.includes:
        if entry.value not in contexts:
            yield entry.problem(f"includes [{entry.value}], which is not there")


def _twice(context: Context) -> Iterator[Problem]:
    seen: dict[tuple[str, int], Step] = {}
    for step in context.steps:
        first = seen.setdefault((step.exten, step.priority), step)
        if first is not step:
            yield step.entry.problem(
                f"{step.exten},{step.priority} of [{context.name}] stands at "
                f"{first.entry.file}:{first.entry.line} already"
            )


def _targets(step: Step, here: Context, contexts: dict[str, Context]) -> Iterator[Problem]:
    for target in _destinations(step):
        name, exten, priority = _target(target, here.name, step.exten)
        if "$" in name:
            continue
        if name not in contexts:
            yield step.entry.problem(f"goes to the context [{name}], which is not there")
        elif "$" not in exten + priority and not _reaches(name, exten, priority, contexts):
            yield step.entry.problem(f"goes to {exten},{priority} of [{name}], which is not there")


def _target(text: str, context: str, exten: str) -> tuple[str, str, str]:
    """Context, extension and priority of `[[context,]exten,]priority`."""
    parts = split_arguments(text)
    missing = [context, exten, ""][: max(0, 3 - len(parts))]
    name, number, priority = (*missing, *parts[:3])
    return name, number, priority


def _destinations(step: Step) -> list[str]:
    """Where a Goto, GotoIf or Gosub may lead."""
    if step.application in {"Goto", "Gosub"}:
        return [step.arguments.partition("(")[0] if step.application == "Gosub" else step.arguments]
    if step.application != "GotoIf":
        return []
    _, _, branches = _cut(step.arguments, "?")
    yes, _, no = _cut(branches, ":")
    return [branch for branch in (yes, no) if branch]


def split_arguments(text: str) -> list[str]:
    """Split at commas outside any bracket."""
    parts: list[str] = []
    while True:
        part, comma, text = _cut(text, ",")
        parts.append(part)
        if not comma:
            return parts


def _cut(text: str, at: str) -> tuple[str, str, str]:
    """`str.partition` at a character outside any bracket."""
    depth = 0
    for index, character in enumerate(text):
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == at and depth == 0:
            return text[:index], at, text[index + 1 :]
    return text, "", ""


def _reaches(name: str, exten: str, priority: str, contexts: dict[str, Context]) -> bool:
    """Whether the extension is in the context or in one that it includes."""
    steps = [
        step
        for each in _with_includes(name, contexts)
        for pattern, found in each.extens.items()
        if exten == pattern or matches(pattern, exten)  # the same: a jump inside a pattern's steps
        for step in found
    ]
    return any(priority in {str(step.priority), step.label} for step in steps)


def _with_includes(name: str, contexts: dict[str, Context]) -> list[Context]:
    found: dict[str, Context] = {}
    waiting = [name]
    while waiting:
        context = contexts.get(waiting.pop())
        if context and context.name not in found:
            found[context.name] = context
            waiting.extend(entry.value for entry in context.includes)
    return list(found.values())


def matches(pattern: str, exten: str) -> bool:
    """Whether an extension matches a pattern, as main/pbx.c has it, hyphens aside."""
    if not pattern.startswith("_"):
        return pattern == exten
    parts = re.findall(r"\[[^\]]*\]|.", pattern[1:])
    expression = "".join(part if part.startswith("[") else _one(part) for part in parts)
    return re.fullmatch(expression, exten) is not None


def _one(character: str) -> str:
    """A regular expression for one character of a pattern; X, Z and N are such in either case."""
    if character in "!.":
        return ".*" if character == "!" else ".+"
    digits = _DIGITS.get(character.upper())
    return f"[{digits}]" if digits else re.escape(character)


def _open_entries(entries: Iterable[str], contexts: dict[str, Context]) -> Iterator[Problem]:
    reachable = {
        context.name: context for name in entries for context in _with_includes(name, contexts)
    }
    for context in reachable.values():
        for exten, steps in context.extens.items():
            if not _ADMITTED.fullmatch(exten):
                yield steps[0].entry.problem(
                    f"endpoints reach [{context.name}], where {exten} admits more than digits of "
                    "one length"
                )
