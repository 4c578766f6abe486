"""Ten thousand trunks: rendered, planned, applied; and the daemon's memory with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.database import trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import transaction
from asterisk_siptrunk.generation.plan import make_plan, render_all
from asterisk_siptrunk.trunk import Trunk, TrunkKind
from tests.lab.provider import Provider
from tests.lab.sipp import Call, SippAnswerer, place_calls

if TYPE_CHECKING:
    from collections.abc import Callable

COUNT = 10_000
CALLED = 200
HOST = "127.0.0.17"


@dataclass(frozen=True)
class Many:
    """Seconds, and the daemon's resident memory in MB."""

    render: float
    plan: float
    apply: float
    files: int
    memory: float


def run() -> Many:
    """Make the trunks, and measure with them on a real Asterisk that has loaded them all."""
    with SippAnswerer(trace=False) as carrier, Provider() as provider:
        provider.do("customer", "add", "bench")
        _add(provider)
        settings = bootstrap.load_settings(provider.settings_file)
        inventory, store = bootstrap.inventory(provider.engine), bootstrap.store(settings)
        render = _seconds(lambda: render_all(inventory, settings))
        provider.do("config", "apply", "--yes")
        provider.asterisk.restart()
        provider.do("trunk", "set", "t5000", "--country", "BE")
        plan = _seconds(lambda: make_plan(inventory, settings, store))
        changed = len(make_plan(inventory, settings, store).new)
        applied = _seconds(lambda: provider.do("config", "apply", "--yes"))
        provider.serve()
        assert provider.daemon is not None
        _call(provider, carrier)
        return Many(render, plan, applied, changed, _resident(provider.daemon.pid))


def _add(provider: Provider) -> None:
    by = By("bench", datetime.now(UTC))
    settings = bootstrap.load_settings(provider.settings_file)
    with transaction(provider.engine) as connection:
        for number in range(COUNT):
            trunk = Trunk(
                id=0,
                name=f"t{number}",
                customer="bench",
                kind=TrunkKind.REGISTERED,
                channels=10,
                country="FR",
            )
            credentials, _secret = bootstrap.issue_credentials(settings, trunk.name)
            trunks.add(connection, by, trunk, credentials)
            trunks.add_number(connection, by, trunk.name, f"+3312{number:07}", main=True)


def _call(provider: Provider, carrier: SippAnswerer) -> None:
    """Refused calls in to many trunks, so that the daemon remembers the terms of each."""
    provider.do(
        *("carrier", "add", "telco", "--profile", "generic", "--server", carrier.address),
        *("--match", HOST, "--qualify", "0"),
    )
    provider.do("config", "apply", "--yes")
    calls = [Call("+33611223344", f"+3312{number:07}") for number in range(COUNT)][
        :: COUNT // CALLED
    ]
    place_calls(provider.asterisk.sip_address, calls, host=HOST, rate=40)


def _seconds(work: Callable[[], object]) -> float:
    began = perf_counter()
    work()
    return perf_counter() - began


def _resident(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError(f"process {pid} has no VmRSS")
