"""An Asterisk that reads our folder as a real one does, and can be told to fail."""

from collections.abc import Collection, Mapping
from pathlib import Path

from asterisk_siptrunk.errors import AmiRefused, AmiUnavailable
from asterisk_siptrunk.generation.check import transports_of
from asterisk_siptrunk.generation.check_pjsip import build
from asterisk_siptrunk.generation.parse import parse
from asterisk_siptrunk.generation.render import MARKER_OPTION
from asterisk_siptrunk.generation.server import Module


class FakeAsterisk:
    """Keeps endpoints and generation of its last reload; `rejects` are objects it will not take."""

    def __init__(self, config_dir: Path) -> None:
        self.folder = config_dir / "siptrunk"
        self.reloads: list[Module] = []
        self.rejects: set[str] = set()
        self.keeps: set[str] = set()
        self.refuses: set[Module] = set()
        self.stopped: set[Module] = set()
        self.unloadable: set[Module] = set()
        self.dies_at: Module | None = None
        self.deaf_to_dialplan = False
        self.transports: dict[str, str] | None = None
        self.binds_refused = ""
        self._markers: dict[str, str] = {}
        self._generation: str | None = None

    def version(self) -> str:
        return "22.10.1"

    def reload(self, module: Module) -> None:
        self.reloads.append(module)
        if module is self.dies_at:
            raise AmiUnavailable("Asterisk is silent.")
        if module in self.refuses:
            raise AmiRefused(f"No such module {module}")
        if module is Module.DIALPLAN and not self.deaf_to_dialplan:
            self._read_dialplan()
        if module is Module.PJSIP:
            self._read_pjsip()

    def runs(self, module: Module) -> bool:
        if module in self.stopped:
            return False
        self.reload(module)
        return True

    def load(self, module: Module) -> None:
        if module in self.unloadable:
            raise AmiRefused("Asterisk refused ModuleLoad: Could not load module.")
        self.stopped.remove(module)

    def endpoints(self) -> frozenset[str]:
        return frozenset(self._markers)

    def endpoint_values(self, names: Collection[str], option: str) -> Mapping[str, str]:
        assert option == MARKER_OPTION
        return {name: self._markers[name] for name in names if name in self._markers}

    def binds(self, transports: Collection[str]) -> Mapping[str, str]:
        if self.binds_refused:
            raise AmiRefused(self.binds_refused)
        if self.transports is None:
            self.transports = self._read_binds()
        return {name: bind for name, bind in self.transports.items() if name in transports}

    def _read_binds(self) -> dict[str, str]:
        files = transports_of(self._texts())
        return {name: options["bind"] for name, options in files.items()}

    def generation(self) -> str | None:
        return self._generation

    def _texts(self) -> dict[str, str]:
        return {path.name: path.read_text() for path in self.folder.glob("*.conf")}

    def _read_dialplan(self) -> None:
        parsed = parse(self._texts(), "extensions.conf")
        for section in parsed.sections:
            if section.name == "siptrunk-generation":
                self._generation = section.entries[0].value.split(",")[0]

    def _read_pjsip(self) -> None:
        objects, _ = build(parse(self._texts(), "pjsip.conf"))
        fresh = {
            each.section.name: each.values(MARKER_OPTION)[-1].value
            for each in objects
            if each.type == "endpoint" and each.section.name not in self.rejects
        }
        kept = {name: self._markers[name] for name in self.keeps if name in self._markers}
        self._markers = fresh | kept
