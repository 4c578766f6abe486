"""An Asterisk that takes whatever stands in our folder, or refuses to."""

import time

from asterisk_siptrunk.errors import AmiRefused, AmiUnavailable
from asterisk_siptrunk.generation.manifest import Manifest
from asterisk_siptrunk.generation.server import Module
from asterisk_siptrunk.generation.store import Store
from asterisk_siptrunk.generation.transports import transports_in


class FakeAsterisk:
    """The `RunningAsterisk` of a test; `away` and `refuses` are its bad days."""

    def __init__(self, store: Store) -> None:
        self.away = self.refuses = False
        self.keeps_journal = self.may_load = True
        self.tells_no_transports = False
        self.ahead = 0.0
        self.transports: dict[str, dict[str, str]] = {}
        self.number = "22.10.1"
        self.reloads: list[Module] = []
        self._store = store
        self._read = Manifest()

    def _reached(self) -> None:
        if self.away:
            raise AmiUnavailable("Asterisk at 127.0.0.1:5038 cannot be reached: refused.")

    def version(self) -> str:
        self._reached()
        return self.number

    def clock(self) -> float:
        self._reached()
        return time.time() + self.ahead

    def reload(self, module: Module) -> None:
        self._reached()
        if self.refuses:
            raise AmiRefused("Asterisk refused Reload: permission denied.")
        self.reloads.append(module)
        self._read = self._store.manifest()

    def runs(self, module: Module) -> bool:
        self._reached()
        assert module is Module.CDR_CUSTOM
        return self.keeps_journal

    def load(self, module: Module) -> None:
        if not self.may_load:
            raise AmiRefused(f"Asterisk refused ModuleLoad: Could not load module {module}.")
        self.keeps_journal = True

    def endpoints(self) -> frozenset[str]:
        return frozenset(self._read.endpoints)

    def endpoint_values(self, names, option):
        del option
        return {name: self._read.endpoints[name] for name in names if name in self._read.endpoints}

    def binds(self, transports):
        self._reached()
        if self.tells_no_transports:
            raise AmiRefused("Asterisk has not loaded func_sorcery.so.")
        there = self.transports or transports_in(self._store)
        return {name: there[name]["bind"] for name in transports if name in there}

    def generation(self) -> str | None:
        self._reached()
        return f"g{self._read.generation}" if self._read.generation else None
