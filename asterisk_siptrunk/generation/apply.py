"""Puts a generation of files in place, has Asterisk read it, and makes sure that it did."""

import re
from collections.abc import Iterable, Iterator, Mapping

from asterisk_siptrunk.errors import AmiError, AmiRefused, ApplyBusy, ApplyFailed
from asterisk_siptrunk.generation.check import check_change, require_none
from asterisk_siptrunk.generation.plan import RELOAD_ORDER, Plan, plan_back
from asterisk_siptrunk.generation.render import MARKER_OPTION, shard_in
from asterisk_siptrunk.generation.server import Module, RunningAsterisk
from asterisk_siptrunk.generation.store import FOLDER, Store
from asterisk_siptrunk.generation.transports import transport_notes

LOAD_JOURNAL = f"asterisk -rx 'module load {Module.CDR_CUSTOM}'"
_MOST_NAMED = 5
_FEW = 200
"""Endpoints up to which only they are asked for: Asterisk takes 0.9 s to list all of 10,000."""
_SHARED = "pjsip_base.conf"
"""What every endpoint inherits from: a change of it touches each, and none of their markers."""


def apply_plan(plan: Plan, store: Store, server: RunningAsterisk) -> tuple[str, ...]:
    """Put the planned files in place, reload, read back; on any mismatch put the old ones back.

    An empty plan touches no file. Calls in progress go on through a reload.

    Returns:
        What a person should know although it went well.

    Raises:
        CheckFailed: the files are not right; nothing was changed.
        ApplyFailed: Asterisk did not take them, at which file and line; those from before are in
            place again.
        ApplyBusy: somebody else changed or is changing them.
    """
    with store.locked():
        if store.manifest().generation != plan.before.generation:
            raise ApplyBusy(f"{store.folder} has changed since this was planned; plan again.")
        if plan.is_empty:
            return tuple(_catch_up(plan, store, server))
        require_none(check_change(plan.new, store.texts(_beside(plan))))
        return _exchange(plan, store, server)


def _beside(plan: Plan) -> list[str]:
    """What changed files refer to: those beside the shards, and the other file of a shard."""
    shards = {shard_in(name) for name in plan.new}
    return [name for name in plan.after.files if shard_in(name) in {None, *shards}]


def roll_back(store: Store, server: RunningAsterisk) -> tuple[Plan, tuple[str, ...]]:
    """Go back to the generation before; doing it twice comes back here.

    Returns:
        What was done, and what a person should know although it went well.

    Raises:
        ApplyFailed: there is none, or Asterisk does not take it; then all is as it was.
    """
    with store.locked():
        plan = plan_back(store)
        if plan is None:
            raise ApplyFailed(f"{store.folder}: there is no generation before this one.")
        return plan, _exchange(plan, store, server)


def _exchange(plan: Plan, store: Store, server: RunningAsterisk) -> tuple[str, ...]:
    store.swap(plan.new, plan.after)
    try:
        notes = tuple(_reload(plan, server))
        wrong = list(_mismatches(plan, store, server))
        notes += () if wrong else tuple(transport_notes(plan, store, server))
    except AmiError as error:
        notes, wrong = (), [str(error)]
    if wrong:
        store.restore()
        raise ApplyFailed(_failure(plan, wrong, _reload_old(plan, server)))
    store.keep()
    return notes


def _reload(plan: Plan, server: RunningAsterisk) -> Iterator[str]:
    yield from _reload_these(plan.modules, server)


def _reload_these(modules: Iterable[Module], server: RunningAsterisk) -> Iterator[str]:
    yield from _keep_journal(server)
    for module in modules:
        if module is Module.CDR_CUSTOM:
            continue
        try:
            server.reload(module)
        except AmiRefused as refused:
            if module is not Module.CDR:  # calls pass without it
                raise
            yield f"Asterisk's call records are not as they should be: {refused}"


def _keep_journal(server: RunningAsterisk) -> Iterator[str]:
    """Have the journal's backend run by its newest file; say so if it does not.

    It declines to load where it finds no mapping, as at every start before the first apply. The
    calls are none the worse for it, nor for a mapping of the server's own that is wrong, so that
    is no reason to put the old files back.
    """
    try:
        # A question that has it read its file, too.
        if not server.runs(Module.CDR_CUSTOM):
            server.load(Module.CDR_CUSTOM)
    except AmiRefused as refused:
        yield (
            f"Asterisk keeps no call journal, and calls that end while siptrunk is away would be "
            f"lost to usage: {Module.CDR_CUSTOM} is not in order ({refused}). Its log says why; "
            f"mend that, then: {LOAD_JOURNAL}"
        )


def _catch_up(plan: Plan, store: Store, server: RunningAsterisk) -> Iterator[str]:
    """Where no file changes: have Asterisk read them if it has not, as after a new install.

    An Asterisk that is away fails nothing then.
    """
    try:
        if list(_mismatches(plan, store, server)):
            yield from _reload_these(RELOAD_ORDER, server)
            if wrong := list(_mismatches(plan, store, server)):
                raise ApplyFailed("\n".join(wrong))
            yield "Asterisk had not read these files; now it has."
        else:
            yield from _keep_journal(server)
        yield from transport_notes(plan, store, server)
    except AmiError as error:
        yield f"Whether Asterisk goes by these files is not known: {error}"


def _reload_old(plan: Plan, server: RunningAsterisk) -> str | None:
    """Have Asterisk read the restored files; say what went wrong with that, if anything did."""
    try:
        tuple(_reload(plan, server))
    except AmiError as error:
        return str(error)
    return None


def _mismatches(plan: Plan, store: Store, server: RunningAsterisk) -> Iterator[str]:
    """What Asterisk has otherwise than the files say, each with its place in them."""
    generation = server.generation()
    if generation is None:
        yield (
            f"Asterisk has not read {FOLDER}/extensions.conf: does its own extensions.conf "
            "include it? `siptrunk config install` shows the line."
        )
    elif generation != f"g{plan.after.generation}":
        yield f"extensions.conf: Asterisk still has the dialplan of generation {generation}."
    if Module.PJSIP in plan.modules:
        yield from _wrong_endpoints(plan, store, server)


def _wrong_endpoints(plan: Plan, store: Store, server: RunningAsterisk) -> Iterator[str]:
    changed, removed = plan.changed_endpoints, plan.removed_endpoints
    values = server.endpoint_values([*changed, *removed], MARKER_OPTION)
    if len(changed) > _FEW or _SHARED in plan.new:
        expected, there = frozenset(plan.after.endpoints), server.endpoints()
    else:
        expected, there = frozenset(changed), frozenset(values)
    missing = sorted(expected - there)
    stale = sorted(name for name in changed if name in there and values.get(name) != changed[name])
    places = _places(store, plan, [*missing[:_MOST_NAMED], *stale[:_MOST_NAMED]])
    yield from _named(missing, "Asterisk has no endpoint {}", places)
    yield from _named(stale, "Asterisk has not taken endpoint {} as it stands here", places)
    yield from _named(sorted(removed & there), "endpoint {} is still there", {})


def _named(names: list[str], sentence: str, places: Mapping[str, str]) -> Iterator[str]:
    for name in names[:_MOST_NAMED]:
        place = f"{places[name]}: " if name in places else ""
        yield f"{place}{sentence.format(name)}; its log says why."
    if len(names) > _MOST_NAMED:
        yield f"... and so for {len(names) - _MOST_NAMED} more."


def _places(store: Store, plan: Plan, names: list[str]) -> dict[str, str]:
    """File and line of endpoints' sections."""
    found: dict[str, str] = {}
    files = store.texts([name for name in plan.after.files if names and "pjsip" in name])
    for file, text in files.items():
        for number, line in enumerate(text.splitlines(), 1):
            section = re.match(r"\[([^]]+)\]", line)
            if section and section[1] in names:
                found.setdefault(section[1], f"{FOLDER}/{file}:{number}")
    return found


def _failure(plan: Plan, wrong: list[str], after: str | None) -> str:
    if plan.before.files:
        said = ["The files from before are back in place."]
    else:
        said = ["There were no files before: the new ones are taken away again."]
    if after is None:
        said.append("Asterisk has read its files again.")
    elif after not in wrong:  # an Asterisk that is away was told of already
        said.append(f"But it could not be told to read its files again: {after}")
    return "\n".join([*wrong, " ".join(said)])
