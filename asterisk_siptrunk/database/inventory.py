"""What configuration is rendered from, as the database has it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from hashlib import sha256

from sqlalchemy import Engine, select

from asterisk_siptrunk.database import carriers, trunks
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.tables import trunk
from asterisk_siptrunk.generation.inventory import TrunkFacts
from asterisk_siptrunk.trunk import Carrier


class DatabaseInventory:
    """The `generation.Inventory` of a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def fingerprints(self) -> Mapping[int, str]:
        """A digest of the trunks' versions by shard; one query, without their contents."""
        query = select(trunk.c.shard, trunk.c.name, trunk.c.version).order_by(trunk.c.name)
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
            return [TrunkFacts(*found) for found in trunks.of_shard(connection, shard)]

    def carriers(self) -> Sequence[Carrier]:
        """All carriers."""
        with reading(self._engine) as connection:
            return carriers.every(connection)
