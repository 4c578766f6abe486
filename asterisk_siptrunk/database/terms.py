"""The terms that calls are decided by, remembered for as long as their versions stand.

A trunk's row carries a version that every change raises, and so does the provider's. Admission
reads both in its own transaction, so what is remembered here is never out of date.
"""

from sqlalchemy import Connection, select

from asterisk_siptrunk.call import Terms
from asterisk_siptrunk.database import carriers, rules, trunks
from asterisk_siptrunk.database.engine import FileIdentity
from asterisk_siptrunk.database.tables import provider, trunk
from asterisk_siptrunk.destination import Policy
from asterisk_siptrunk.trunk import Carrier

Versions = tuple[int, int]
"""A trunk's version and the provider's."""
Source = FileIdentity | None
"""Which database they are of: a backup that was put back has the same versions of other terms."""


class TermsMemory:
    """Terms by trunk, and the carriers; one for each process."""

    def __init__(self) -> None:
        self._terms: dict[int, tuple[Versions, Terms]] = {}
        self._ids: dict[str, int] = {}  # of trunks, by their names and by their numbers
        self._carriers: tuple[int, tuple[Carrier, ...]] | None = None
        self._source: Source = None

    def of(self, source: Source) -> "TermsMemory":
        """This memory, emptied where it was of another database."""
        if source != self._source:
            self._terms, self._ids, self._carriers, self._source = {}, {}, None, source
        return self

    def terms(self, connection: Connection, trunk_id: int, name: str, versions: Versions) -> Terms:
        """The terms of a trunk as of these versions."""
        known = self._terms.get(trunk_id)
        if known is not None and known[0] == versions:
            return known[1]
        found = self._read(connection, trunk_id, name, versions[1])
        self._terms[trunk_id] = versions, found
        self._ids |= dict.fromkeys((name, *found.trunk.numbers), trunk_id)
        return found

    def forget_changed(self, connection: Connection) -> None:
        """Forget the terms that are out of date: nobody may be decided on by them alone.

        What a trunk's own calls need is read anew when it calls; this is for trunks that have not
        called since, and a database that may be away when they do.
        """
        rows = connection.execute(select(trunk.c.id, trunk.c.version))
        versions = {row.id: row.version for row in rows}
        shared = connection.execute(select(provider.c.version)).scalar_one()
        for trunk_id, (known, _) in list(self._terms.items()):
            if known != (versions.get(trunk_id), shared):
                self._terms.pop(trunk_id, None)

    def remembered(self, entry: str) -> Terms | None:
        """The terms of a trunk by its name or one of its numbers, as they were read last.

        None where it has not called since the service began.
        """
        known = self._terms.get(self._ids.get(entry, -1))
        if known is None or entry not in {known[1].trunk.name, *known[1].trunk.numbers}:
            return None  # a number that went to another trunk
        return known[1]

    def remembered_carriers(self) -> tuple[Carrier, ...]:
        """Every carrier, as they were read last."""
        return self._carriers[1] if self._carriers else ()

    def carriers(self, connection: Connection, version: int) -> tuple[Carrier, ...]:
        """Every carrier, those out of service too, as of this version of the provider's."""
        if self._carriers is None or self._carriers[0] != version:
            self._carriers = version, tuple(carriers.every(connection))
        return self._carriers[1]

    def _read(self, connection: Connection, trunk_id: int, name: str, version: int) -> Terms:
        found = trunks.get(connection, name)
        policy = Policy(rules.of_trunk(connection, trunk_id), found.country)
        return Terms(found, policy, in_service(self.carriers(connection, version)))


def in_service(every: tuple[Carrier, ...]) -> tuple[Carrier, ...]:
    """Those of the carriers that calls may be put to."""
    return tuple(carrier for carrier in every if carrier.enabled)
