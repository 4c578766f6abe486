"""What was rendered from what: kept beside the files, so that planning need not render all."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

FILE = "manifest.json"


@dataclass(frozen=True, slots=True)
class ShardNote:
    """One shard as it was rendered.

    Attributes:
        fingerprint: the inventory's, at that time.
        countries: of its trunks.
        endpoints: marker of each endpoint, by name.
    """

    fingerprint: str = ""
    countries: tuple[str, ...] = ()
    endpoints: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Manifest:
    """One generation of files.

    Attributes:
        generation: digest over all files; "" before the first.
        base: digest of what every shard depends on: templates and settings.
        shards: notes by number.
        carriers: marker of each carrier's endpoint, by name.
        files: digest of each file, by name; the two on top, which name the generation, too.
    """

    generation: str = ""
    base: str = ""
    shards: Mapping[int, ShardNote] = field(default_factory=dict)
    carriers: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    @property
    def endpoints(self) -> dict[str, str]:
        """Marker of every endpoint, trunks' and carriers', by name."""
        found = dict(self.carriers)
        for note in self.shards.values():
            found.update(note.endpoints)
        return found


def to_json(manifest: Manifest) -> str:
    """Write a manifest."""
    return json.dumps(asdict(manifest), indent=1, sort_keys=True) + "\n"


def from_json(text: str) -> Manifest:
    """Read a manifest; one that we did not write is as good as none, and all is rendered anew."""
    try:
        read: dict[str, Any] = json.loads(text)
        shards = {
            int(number): ShardNote(note["fingerprint"], tuple(note["countries"]), note["endpoints"])
            for number, note in read.pop("shards").items()
        }
        return Manifest(shards=shards, **read)
    except (ValueError, TypeError, KeyError, AttributeError):
        return Manifest()
