"""What configuration is rendered from, as the database has it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256

from sqlalchemy import Engine, select

from asterisk_siptrunk.database import carriers, trunks
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import trunk as trunk_table
from asterisk_siptrunk.generation.inventory import TrunkFacts
from asterisk_siptrunk.trunk import Carrier, Trunk, TrunkKind


class DatabaseInventory:
    """The `generation.Inventory` of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fingerprints(self) -> Mapping[int, str]:
        """A digest of the trunks' versions by shard; one query, without their contents."""
        query = select(trunk_table.c.shard, trunk_table.c.name, trunk_table.c.version).order_by(
            trunk_table.c.name
        )
        lines: dict[int, list[str]] = defaultdict(list)
        with reading(self._engine) as connection:
            for shard, name, version in connection.execute(query):
                lines[shard].append(f"{name} {version}")
        return {
            shard: sha256("\n".join(found).encode()).hexdigest() for shard, found in lines.items()
        }

    def trunks(self, shard: int) -> Sequence[TrunkFacts]:
        """The trunks of a shard, with what checks their credentials."""
        with reading(self._engine) as connection:
            found = trunks.of_shard(connection, shard)
        return [replace(facts, trunk=_as_rendered(facts.trunk)) for facts in found]

    def carriers(self) -> Sequence[Carrier]:
        """All carriers."""
        with reading(self._engine) as connection:
            return carriers.every(connection)


def _as_rendered(trunk: Trunk) -> Trunk:
    """A trunk without what nothing is rendered of: an ended one has no contact.

    One that cannot be written, from before such were refused, would stop the whole configuration.
    """
    if not trunk.ended or trunk.contact is None:
        return trunk
    if trunk.kind is TrunkKind.ADDRESS:  # it must have one
        return replace(trunk, contact=str(trunk.addresses[0].network_address))
    return replace(trunk, contact=None)
