"""A configuration that goes wrong half-way: the last good one is what runs, and calls go on."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from tests.asterisk.conftest import Faulty, small_disk
from tests.lab.promises import Fault, hold_to_promises
from tests.lab.provider import SIPTRUNK
from tests.lab.sipp import Call, place_calls
from tests.lab.traffic import WIDE_HOST, WIDE_NUMBER

pytestmark = [pytest.mark.asterisk, pytest.mark.alone]

PREMIUM = "0899123456"


def generation(exchange: Faulty) -> str:
    """What Asterisk itself says that it has read."""
    listing = exchange.provider.asterisk.cli("dialplan show siptrunk-generation")
    return listing.partition("'g")[2].partition("'")[0]


@contextmanager
def changed(exchange: Faulty) -> Iterator[None]:
    """A change of the description that no apply has put in force yet, taken back at the end."""
    exchange.provider.do("trunk", "set", "wide", "--away-policy", "closed")
    yield
    exchange.provider.do("trunk", "set", "wide", "--away-policy", "domestic")
    exchange.provider.do("config", "apply", "--yes")


def files(exchange: Faulty) -> dict[str, str]:
    folder = exchange.provider.asterisk.etc / "siptrunk"
    return {path.name: path.read_text() for path in folder.glob("*.conf")}


@contextmanager
def rubbish_template(exchange: Faulty) -> Iterator[str]:
    """A site's own template, whose result is no dialplan."""
    site = exchange.provider.folder / "site"
    site.mkdir()
    (site / "extensions_trunk.conf.j2").write_text("[half\nexten => ,,\n{{ trunk.name }}\n")
    exchange.provider.environment["SIPTRUNK_ASTERISK_TEMPLATES"] = str(site)
    yield "extensions_trunks"
    del exchange.provider.environment["SIPTRUNK_ASTERISK_TEMPLATES"]


@contextmanager
def full_disk(exchange: Faulty) -> Iterator[str]:
    """The folder's disk has no room for what is to come."""
    folder = exchange.provider.asterisk.etc / "siptrunk"
    kept = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with small_disk(folder, 1):
        for name, text in kept.items():
            (folder / name).write_bytes(text)
        filler = folder / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(b"x" * 4096)
            except OSError:
                yield "No space left on device"


@pytest.mark.parametrize("fault_of", [rubbish_template, full_disk])
def test_an_apply_that_fails_changes_nothing(
    exchange: Faulty, fault_of: Callable[[Faulty], AbstractContextManager[str]]
):
    with changed(exchange):
        before, running = files(exchange), generation(exchange)
        with fault_of(exchange) as complaint:
            done = exchange.provider.run("config", "apply", "--yes")
            assert done.returncode == 1
            assert complaint in done.stderr
            assert "Traceback" not in done.stderr
            assert files(exchange) == before
            assert generation(exchange) == running
        refused = place_calls(
            exchange.provider.asterisk.sip_address, [Call(WIDE_NUMBER, PREMIUM)], host=WIDE_HOST
        )
        assert refused.statuses == [403]


def applying(exchange: Faulty) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [SIPTRUNK, "config", "apply", "--yes"],
        env=exchange.provider.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_two_applies_at_once_under_traffic(exchange: Faulty, request: pytest.FixtureRequest):
    with changed(exchange), exchange.traffic(8) as traffic:
        traffic.calm(1.0)
        with traffic.fault():
            both = [applying(exchange) for _ in range(2)]
        said = [one.communicate(timeout=30)[1] for one in both]
        told = traffic.finish()
        assert "nothing to" in exchange.provider.do("config", "plan").lower()
    statuses = sorted(one.returncode for one in both)
    # The one that lost says so, or came when all was done.
    assert statuses == [0, 0] or re.search("another process|plan again", "".join(said)), said
    fault = Fault("two `config apply` at once", "nothing", "one applies, the other says so")
    hold_to_promises(exchange.provider, told, fault, request.node)


def test_asterisk_killed_in_mid_apply_has_the_last_good_configuration(exchange: Faulty):
    asterisk = exchange.provider.asterisk
    with changed(exchange):
        before, running = files(exchange), generation(exchange)
        with exchange.ami.when_asked_for(b"Action: Reload", asterisk.kill9):
            done = exchange.provider.run("config", "apply", "--yes")
        assert done.returncode == 1
        assert "files from before are back in place" in done.stderr
        assert files(exchange) == before
        asterisk.start()
        assert generation(exchange) == running
