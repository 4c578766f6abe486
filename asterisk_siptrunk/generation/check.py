"""All that can be told of files without an Asterisk."""

from collections.abc import Mapping

from asterisk_siptrunk.errors import CheckFailed
from asterisk_siptrunk.generation.check_dialplan import check_dialplan, contexts_of
from asterisk_siptrunk.generation.check_pjsip import PjsipObject, build, check_pjsip
from asterisk_siptrunk.generation.parse import Parsed, Problem, parse

_FLAT = {
    "manager.conf": "",
    "manager_general.conf": "general",
    "cdr.conf": "",
    "cdr_custom.conf": "",
}
"""Files without references, and the section of Asterisk's own that a file stands in, if any."""
_MOST_SHOWN = 20

Transports = Mapping[str, Mapping[str, str]]
"""Options of PJSIP transports, by name."""


def check(files: Mapping[str, str]) -> list[Problem]:
    """Find what is wrong with a whole generation of files, in the order of files and lines."""
    dialplan = parse(files, "extensions.conf")
    pjsip = parse(files, "pjsip.conf")
    contexts, _ = contexts_of(dialplan)
    problems = [
        *check_pjsip(pjsip, contexts),
        *check_dialplan(dialplan, _endpoint_contexts(pjsip)),
    ]
    for name, section in _FLAT.items():
        problems.extend(parse(files, name, within=section).problems)
    return sorted(set(problems))


def check_change(new: Mapping[str, str], common: Mapping[str, str]) -> list[Problem]:
    """Find what is wrong with changed files and what stands beside the shards.

    A trunk's objects, contexts and numbers are all in the two files of its shard, so other shards
    count as empty: reading all 10,000 trunks again would take longer than the reload.
    """
    whole = {**common, **new}
    return check(_Absent(whole))


class _Absent(dict[str, str]):
    """Files by name, where one that is missing is empty."""

    def __contains__(self, name: object) -> bool:
        return True

    def __missing__(self, name: str) -> str:
        return ""


def transports_of(files: Mapping[str, str]) -> Transports:
    """Options of each transport that these files open, by name; those of trunks open none."""
    objects, _ = build(parse(_Absent(files), "pjsip.conf"))
    return {
        each.section.name: {entry.key: entry.value for entry in each.entries}
        for each in objects
        if each.type == "transport"
    }


def endpoint_names(files: Mapping[str, str]) -> frozenset[str]:
    """The endpoints that Asterisk must have once it has read these files."""
    return frozenset(each.section.name for each in _endpoints(parse(files, "pjsip.conf")))


def _endpoint_contexts(pjsip: Parsed) -> list[str]:
    """The contexts that endpoints call into."""
    return [entry.value for each in _endpoints(pjsip) for entry in each.values("context")]


def _endpoints(pjsip: Parsed) -> list[PjsipObject]:
    objects, _ = build(pjsip)
    return [each for each in objects if each.type == "endpoint"]


def require_none(problems: list[Problem]) -> None:
    """Refuse files with problems.

    Raises:
        CheckFailed: it lists them.
    """
    if problems:
        shown = "\n".join(str(problem) for problem in problems[:_MOST_SHOWN])
        more = len(problems) - _MOST_SHOWN
        rest = f"\nand {more} more" if more > 0 else ""
        raise CheckFailed(f"The rendered files are not right; nothing was changed:\n{shown}{rest}")
