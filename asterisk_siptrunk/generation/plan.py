"""What would change, found without rendering what cannot have."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import unified_diff
from importlib.metadata import version

from asterisk_siptrunk.generation.inventory import SHARDS, Inventory
from asterisk_siptrunk.generation.manifest import Manifest, ShardNote
from asterisk_siptrunk.generation.render import (
    TRUNK_LINE,
    Renderer,
    digest,
    extensions_shard,
    pjsip_shard,
    site_templates,
)
from asterisk_siptrunk.generation.server import Module
from asterisk_siptrunk.generation.store import Store
from asterisk_siptrunk.settings import Settings

_READER = {
    "pjsip": Module.PJSIP,
    "extensions": Module.DIALPLAN,
    "manager": Module.MANAGER,
    "cdr": Module.CDR,
    "cdr_custom": Module.CDR_CUSTOM,
}
RELOAD_ORDER = (Module.CDR, Module.CDR_CUSTOM, Module.DIALPLAN, Module.PJSIP, Module.MANAGER)
"""The dialplan before the endpoints that call into it; our own AMI session last."""

_MOST_NAMED = 10
_SECRET = re.compile(r"\b((?:md5_cred|password|password_digest|secret)\s*=\s*)\S.*")


@dataclass(frozen=True, slots=True)
class Summary:
    """Trunks by what becomes of them."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    removed: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """The files that would change.

    Attributes:
        before, after: the generations.
        new: text of each file that changes, by name.
        old: their texts now; a file that is not there is left out.
    """

    before: Manifest
    after: Manifest
    new: Mapping[str, str]
    old: Mapping[str, str]

    @property
    def is_empty(self) -> bool:
        """Whether all is as it should be."""
        return not self.new

    @property
    def modules(self) -> tuple[Module, ...]:
        """Parts of Asterisk that are to read their files again, in order."""
        readers = {reader_of(name) for name in self.new}
        return tuple(module for module in RELOAD_ORDER if module in readers)

    @property
    def changed_endpoints(self) -> dict[str, str]:
        """New marker of each endpoint that is new or other than before, by name."""
        before = self.before.endpoints
        return {
            name: marker
            for name, marker in self.after.endpoints.items()
            if before.get(name) != marker
        }

    @property
    def removed_endpoints(self) -> frozenset[str]:
        """Endpoints that must vanish."""
        return frozenset(self.before.endpoints) - frozenset(self.after.endpoints)

    def summary(self) -> Summary:
        """Say what becomes of which trunk."""
        old, new = _trunks(self.old), _trunks(self.new)
        return Summary(
            added=tuple(sorted(new.keys() - old.keys())),
            changed=tuple(sorted(name for name in new.keys() & old if new[name] != old[name])),
            removed=tuple(sorted(old.keys() - new.keys())),
        )

    def in_words(self) -> str:
        """Say in a line what changes."""
        if self.is_empty:
            return "Nothing to change: Asterisk's files are as they should be."
        trunks = self.summary()
        parts = (("new", trunks.added), ("changed", trunks.changed), ("gone", trunks.removed))
        told = [f"{len(names)} {word} ({_named(names)})" for word, names in parts if names]
        files = f"{len(self.new)} files change"
        return f"{files}; trunks: {', '.join(told)}." if told else f"{files}; no trunk does."

    def diff(self, *, whole: bool = True) -> str:
        """Show the change as unified diffs, in files of trunks trunk by trunk; secrets masked.

        Unless `whole`, a file that is new is a line: its name, and how many lines it has.
        """
        return "".join(
            masked(part)
            for name in sorted(self.new)
            for part in (self._file_diff(name) if whole or name in self.old else self._line(name))
        )

    def _line(self, name: str) -> Iterator[str]:
        if count := self.new[name].count("\n"):
            yield f"+ {name}, {count:,} lines\n"

    def _file_diff(self, name: str) -> Iterator[str]:
        old, new = split_by_trunk(self.old.get(name, "")), split_by_trunk(self.new[name])
        for trunk in sorted(old.keys() | new):
            before, after = old.get(trunk, ""), new.get(trunk, "")
            if before != after:
                label = f"{name}: {trunk}" if trunk else name
                yield from _unified(before, after, label)


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def make_plan(inventory: Inventory, settings: Settings, store: Store) -> Plan:
    """Find what would change; nothing is written.

    Files that somebody changed by hand count as changed: they go back to what they should be.

    Raises:
        TemplateFailed: which trunk, carrier or template is at fault, and where.
    """
    before = store.manifest()
    return _plan(inventory, settings, before, store.texts(before.files))


def render_all(inventory: Inventory, settings: Settings) -> dict[str, str]:
    """Render every file, by name."""
    return dict(_plan(inventory, settings, Manifest(), {}).new)


def plan_back(store: Store) -> Plan | None:
    """The way back to the generation before; None where there is none."""
    now, previous = store.manifest(), store.previous()
    if not previous.generation:
        return None
    texts = store.previous_texts()
    on_disk = store.texts(texts)
    new = {name: text for name, text in texts.items() if on_disk.get(name) != text}
    return Plan(now, previous, new, {name: on_disk[name] for name in new if name in on_disk})


def _plan(
    inventory: Inventory, settings: Settings, before: Manifest, on_disk: Mapping[str, str]
) -> Plan:
    intact = {name for name, text in on_disk.items() if digest(text) == before.files[name]}
    templates = site_templates(settings.asterisk)
    ours = version("asterisk-siptrunk")
    base = digest(f"{ours}{templates.digest}{settings.agi}{settings.asterisk}")
    renderer = Renderer(settings, templates)
    reusable = before if before.base == base else Manifest()
    shards, files = _shards(inventory, renderer, reusable, intact)
    countries = {country for note in shards.values() for country in note.countries}
    common = renderer.common(inventory.carriers(), countries | {settings.provider.country})
    files |= common.files
    digests = {name: before.files[name] for name in _shard_files() if name not in files}
    digests |= {name: digest(text) for name, text in files.items()}
    generation = digest("".join(f"{name} {digests[name]}\n" for name in sorted(digests)))
    files |= renderer.top(generation)
    digests |= {name: digest(text) for name, text in files.items()}
    after = Manifest(generation, base, shards, common.endpoints, digests)
    new = {name: text for name, text in files.items() if on_disk.get(name) != text}
    return Plan(before, after, new, {name: on_disk[name] for name in new if name in on_disk})


def masked(text: str) -> str:
    """The text without secrets and what checks them."""
    return _SECRET.sub(r"\1(not shown)", text)


def reader_of(name: str) -> Module:
    """The part of Asterisk that reads a file."""
    stem = name.removesuffix(".conf")
    found = max((key for key in _READER if stem.startswith(key)), key=len)
    return _READER[found]


def split_by_trunk(text: str) -> dict[str, str]:
    """The parts of a shard's file by trunk; what stands before the first, or all, under ""."""
    head, *parts = re.split(rf"^(?={re.escape(TRUNK_LINE)})", text, flags=re.MULTILINE)
    found = {part.partition("\n")[0].removeprefix(TRUNK_LINE): part for part in parts}
    return {"": head, **found} if head else found


def _shards(
    inventory: Inventory, renderer: Renderer, before: Manifest, intact: set[str]
) -> tuple[dict[int, ShardNote], dict[str, str]]:
    """Notes of all shards, and the texts of those that have to be rendered."""
    fingerprints = inventory.fingerprints()
    notes: dict[int, ShardNote] = {}
    files: dict[str, str] = {}
    for number in range(SHARDS):
        fingerprint = fingerprints.get(number, "")
        note = before.shards.get(number)
        own = {pjsip_shard(number), extensions_shard(number)}
        if note and note.fingerprint == fingerprint and own <= intact:
            notes[number] = note
            continue
        text = renderer.shard(number, inventory.trunks(number) if fingerprint else ())
        notes[number] = ShardNote(fingerprint, tuple(sorted(text.countries)), text.endpoints)
        files |= text.files
    return notes, files


def _shard_files() -> tuple[str, ...]:
    return tuple(
        name for number in range(SHARDS) for name in (pjsip_shard(number), extensions_shard(number))
    )


def _trunks(files: Mapping[str, str]) -> dict[str, str]:
    """Everything that files say of each trunk."""
    found: dict[str, str] = {}
    for name in sorted(files):
        if name in _shard_files():
            for trunk, text in split_by_trunk(files[name]).items():
                found[trunk] = found.get(trunk, "") + text
    return found


def _unified(before: str, after: str, label: str) -> Iterator[str]:
    lines = unified_diff(
        before.splitlines(keepends=True), after.splitlines(keepends=True), label, label, n=2
    )
    return (line if line.endswith("\n") else f"{line}\n" for line in lines)
