"""What is sold, on real Asterisk: raises, cuts, suspensions and a month's calls on its invoice.

Asterisk, the service and the commands go by a clock of their own. It is stepped only while no call
is up; the renewal of the cut is then waited for, as it would come.
"""

import hashlib
import json
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from http import HTTPStatus
from math import ceil
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen
from zoneinfo import ZoneInfo

import pytest

from asterisk_siptrunk.call import CallRecord, Reason, Verdict
from asterisk_siptrunk.database import audit
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.database.upkeep import AUTHOR, LOOK_SECONDS
from asterisk_siptrunk.notice.signature import HEADER, sign
from asterisk_siptrunk.settings import load
from tests.asterisk.conftest import CARRIER_HOST, MAIN, Acme
from tests.lab.clock import Clock
from tests.lab.fleet import CHANNELS, Fleet, ProxyWay, Site
from tests.lab.postgresql import PostgresServer
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import SippCaller
from tests.lab.traffic import Kind

pytestmark = pytest.mark.asterisk

MOBILE, REUNION = "0612345678", "00262692123456"
PARIS = ZoneInfo("Europe/Paris")
FIRST_CHANNELS, ADDED = 3, 2
# Suspended on the day after an invoice's, so that one step of the clock brings it.
BILLING = {"DUE_DAYS": "0", "REMINDER_DAYS": "0", "OUTBOUND_DAYS": "0"}
Pay = Callable[["Shop", str], None]


@dataclass
class Shop(Acme):
    """Acme's trunk, sold to it; `web_port` is where payments are told of."""

    clock: Clock
    web_port: int

    def now(self) -> datetime:
        """The time by the shop's clock."""
        return datetime.now(UTC) + timedelta(seconds=self.clock.ahead)

    def sold(self) -> Any:
        """The subscription, as the command shows it."""
        return self.provider.read("subscription", "show", "acme")

    def order(self, channels: int) -> Any:
        words = ("--trunk", "acme", "--channels", str(channels), "--yes")
        return self.provider.read("order", "place", *words)

    def fill(self, hold_ms: int) -> SippCaller:
        """Calls that take every channel of the trunk."""
        count = self.sold()["channels"]
        return self.calling(
            [self.call_of(f"06123456{one:02}") for one in range(count)], hold_ms=hold_ms
        )

    def step_to(self, moment: datetime) -> None:
        """Set the clock, with no call up."""
        self.provider.until_idle()
        self.clock.step((moment - datetime.now(UTC)).total_seconds())

    def renewal(self) -> datetime:
        """The first moment of the next period."""
        day = date.fromisoformat(self.sold()["next_period"])
        return datetime(day.year, day.month, day.day, tzinfo=PARIS).astimezone(UTC)

    def bill(self) -> list[Any]:
        """Invoice what is due; what became of each."""
        self.provider.until(self.provider.has_read_journal, what="the journal to be read")
        # Disks go by this machine's clock, and a proof reads the journals written since it begins.
        now = self.now().timestamp()
        os.utime(self.provider.asterisk.cdr_custom / "siptrunk.csv", (now, now))
        return list(self.provider.read("billing", "run"))

    def settle(self) -> None:
        """Pay whatever invoice is not paid."""
        for one in self.provider.read("invoice", "list", "--unpaid"):
            number = one["number"]
            self.provider.do("invoice", "pay", number, "--payment", f"bank-{number}")

    def reads(self) -> tuple[str, str]:
        """When Asterisk last read its configuration, and what of ours lies there."""
        told = self.provider.asterisk.cli("core show settings").splitlines()
        (line,) = (each.strip() for each in told if "Last reload time" in each)
        digest = hashlib.sha256()
        for file in sorted((self.provider.asterisk.etc / "siptrunk").rglob("*")):
            if file.is_file():
                digest.update(file.read_bytes())
        return line, digest.hexdigest()


def load_prices(provider: Provider) -> None:
    """The catalogue and the deck of rates that ship as examples."""
    for what, words in (("offer", ()), ("rate", ("--deck", "world"))):
        file = provider.folder / f"{what}.txt"
        file.write_text(provider.do(what, "export", "--example"))
        provider.do(what, "load", str(file), *words)


def sell(provider: Provider) -> Any:
    """The first order, paid: what it gives, the credentials with it."""
    load_prices(provider)
    provider.do("customer", "add", "acme", "--title", "Acme SA")
    order = provider.read(
        *("order", "place", "--trunk", "acme", "--customer", "acme", "--yes"),
        *("--channels", str(FIRST_CHANNELS), "--number", MAIN),
    )
    return provider.read("order", "pay", order["reference"], "--payment", "bank-first")


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    carrier_port, backup_port = free_ports(2, "udp")
    (web_port,) = free_ports(1, "tcp")
    with Provider() as provider:
        clock = Clock(provider.asterisk.directory)
        provider.asterisk.environment |= clock.environment
        provider.environment |= clock.environment | {"SIPTRUNK_WEB_PORT": str(web_port)}
        provider.environment |= {f"SIPTRUNK_BILLING_{key}": days for key, days in BILLING.items()}
        provider.asterisk.restart()
        made = sell(provider)
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--qualify", "0"),
            *("--server", f"{CARRIER_HOST}:{carrier_port}", "--match", CARRIER_HOST),
        )
        provider.do("config", "apply", "--yes")
        provider.serve()
        sides = (made["username"], made["secret"], carrier_port, backup_port)
        yield Shop(provider, *sides, clock, web_port)


@pytest.fixture
def shop(opened: Shop) -> Iterator[Shop]:
    """The shop with no call up."""
    yield opened
    opened.provider.asterisk.cli("channel request hangup all")
    opened.provider.until_idle()


def by_command(shop: Shop, reference: str) -> None:
    shop.provider.do("order", "pay", reference, "--payment", f"bank-{reference}")


def by_webhook(shop: Shop, reference: str) -> None:
    order = shop.provider.read("order", "show", reference)
    money = {"amount": order["to_pay"], "currency": order["currency"]}
    payment = {"reference": f"psp-{reference}", **money}
    secret = load(shop.provider.settings_file, {}).secrets.payment_secret
    body = json.dumps(payment | {"order": reference}).encode()
    status, told = post(shop, body, sign("guessed", body, round(shop.now().timestamp())))
    assert status == HTTPStatus.UNAUTHORIZED
    for state in ("applied", "already"):  # told twice, as those who tell do
        status, told = post(shop, body, sign(secret, body, round(shop.now().timestamp())))
        assert (status, told["state"]) == (HTTPStatus.OK, state)


def post(shop: Shop, body: bytes, signature: str) -> tuple[int, Any]:
    url = f"http://127.0.0.1:{shop.web_port}/webhooks/payment"
    try:
        with urlopen(Request(url, body, {HEADER: signature}), timeout=10) as answer:
            return answer.status, json.load(answer)
    except HTTPError as error:
        return error.code, json.load(error)


# --- a raise ---

USABLE_SECONDS = 2.0
SIPP_SECONDS = 2.0
"""What it takes to start, half a second of calls, and to end, on a busy machine."""


@pytest.mark.parametrize("pay", [by_command, by_webhook])
def test_a_raise_that_is_paid_lets_exactly_the_added_calls_in(shop: Shop, pay: Pay):
    before = shop.sold()["channels"]
    with shop.carrier(), shop.fill(hold_ms=20_000) as held:
        shop.provider.until(lambda: shop.live() == before, what="a full trunk")
        order = shop.order(before + ADDED)
        assert shop.call(MOBILE).statuses == [503]  # ordered is not paid
        reads = shop.reads()
        pay(shop, order["reference"])
        paid = time.monotonic()
        with shop.calling([shop.call_of(MOBILE)] * (ADDED + 3), hold_ms=500) as more:
            statuses = more.wait().statuses
        assert statuses == [200] * ADDED + [503] * 3
        assert time.monotonic() - paid < USABLE_SECONDS + SIPP_SECONDS
        shop.provider.until(lambda: shop.live() == before, what="the added calls to end")
        assert shop.reads() == reads
        assert HTTPStatus.SERVICE_UNAVAILABLE not in {call.status for call in held.calls()}


# --- a cut ---

LEAD = timedelta(seconds=10)
"""Before the renewal: room for a busy machine to fill the trunk."""


def test_a_cut_takes_effect_at_the_renewal_and_ends_no_call(shop: Shop):
    before, after = shop.sold()["channels"], 1
    assert before > after
    shop.order(after)
    renewal = shop.renewal()
    shop.step_to(renewal - LEAD)
    hold = LEAD + timedelta(seconds=LOOK_SECONDS + 6)
    with shop.carrier(), shop.fill(round(hold.total_seconds() * 1000)) as held:
        shop.provider.until(lambda: shop.live() == before, LEAD.seconds, "a full trunk")
        assert shop.now() < renewal
        shop.provider.until(lambda: channels(shop) == after, 20, "the new period")
        assert shop.live() == before
        assert shop.call(MOBILE).statuses == [503]
        assert shop.live() == before
        result = held.wait()
        shop.provider.until_idle()
        with shop.calling([shop.call_of(MOBILE)] * 3, hold_ms=300) as next_ones:
            statuses = next_ones.wait().statuses
    turned = last_change(shop)
    rows = shop.provider.calls()
    ends = [row for row in rows if row.billable > hold / 2 and row.started_at > renewal - hold]

    assert result.statuses == [200] * before
    assert len(ends) == before
    assert all(abs(row.billable - hold) < timedelta(seconds=1.5) for row in ends)
    assert statuses == [200] * after + [503] * (3 - after)
    assert turned.author == AUTHOR
    assert renewal <= turned.at < renewal + timedelta(seconds=LOOK_SECONDS + 3)


def channels(shop: Shop) -> int:
    return int(shop.provider.read("trunk", "show", "acme")["channels"])


def last_change(shop: Shop) -> audit.AuditEntry:
    with reading(shop.provider.engine) as connection:
        return audit.history(connection, "trunk", "acme")[0]


# --- a month's calls ---


def test_a_month_s_calls_are_on_the_invoice_as_they_were(shop: Shop):
    began = shop.now()
    with shop.carrier():
        for number, count in ((REUNION, 3), (MOBILE, 2)):
            for _ in range(count):
                assert shop.call(number, hold_ms=1200).statuses == [200]
    assert shop.call("0899123456").statuses == [403]  # and is on no invoice
    renewal = shop.renewal()
    shop.step_to(renewal + timedelta(hours=6))
    done = shop.bill()
    (written,) = (one for one in done if one["period"] == str(renewal.astimezone(PARIS).date()))
    until = renewal.isoformat()
    shop.provider.do("usage", "verify", "--from", began.isoformat(), "--to", until)
    invoice = shop.provider.read("invoice", "show", written["invoice"])
    lines = {line["what"].partition(":")[0]: line for line in invoice["lines"]}
    since = date.fromisoformat(lines["France mobile"]["from"])
    rows = [row for row in charged(shop) if row.started_at.astimezone(PARIS).date() >= since]

    # Three calls of 1.2 s, each begun minute paid whole: 3 min at 0.09 a minute.
    reunion = lines["Réunion and Mayotte"]
    assert (reunion["quantity"], reunion["unit_price"], reunion["amount"]) == (
        *("3", "0.09", "0.27"),
    )
    # Calls to mobiles are charged by the second begun, at 0.045 a minute.
    seconds = sum(ceil(row.billable.total_seconds()) for row in rows if row.zone == "fr:mobile")
    calls = sum(row.zone == "fr:mobile" for row in rows)
    mobile = lines["France mobile"]
    assert calls >= 2
    assert mobile["what"].startswith(
        f"France mobile: {calls} calls, {seconds // 60} min {seconds % 60} s"
    )
    assert mobile["amount"] == str(round(Decimal(seconds) * Decimal("0.045") / 60, 2))
    assert shop.bill() == []  # once is enough


def charged(shop: Shop) -> list[CallRecord]:
    return [
        row
        for row in shop.provider.calls()
        if row.verdict is Verdict.ADMITTED and row.reason is not Reason.EMERGENCY and row.billable
    ]


# --- an unpaid invoice ---


def test_an_unpaid_invoice_suspends_outbound_until_it_is_paid(shop: Shop):
    shop.settle()
    shop.step_to(shop.renewal() + timedelta(hours=6))
    shop.bill()
    shop.step_to(shop.now() + timedelta(days=1))
    with shop.carrier():
        assert shop.call(MOBILE).statuses == [200]  # nobody has looked at it yet
        shop.bill()
        refused, emergency = shop.call(MOBILE), shop.call("112")
        row = next(row for row in reversed(shop.provider.calls()) if row.dialled == MOBILE)
        assert (refused.statuses, emergency.statuses) == ([403], [200])
        assert (row.reason, row.verdict) == (Reason.SUSPENDED, Verdict.REFUSED)
        shop.settle()
        assert shop.call(MOBILE).statuses == [200]


# --- several servers ---


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    """Two servers on a PostgreSQL of their own, whose trunk `narrow` is subscribed to."""
    with (
        PostgresServer() as database,
        Fleet(database, [ProxyWay(database), ProxyWay(database)]) as made,
    ):
        site = made.sites[0]
        load_prices(site)
        order_at(site, CHANNELS)
        yield made


def order_at(site: Site, count: int) -> None:
    """Order and pay channels for `narrow`."""
    words = ("--trunk", "narrow", "--channels", str(count), "--yes")
    reference = site.read("order", "place", *words)["reference"]
    site.do("order", "pay", reference, "--payment", f"bank-{reference}")


@pytest.mark.postgresql
def test_a_raise_is_usable_on_every_server_at_once(fleet: Fleet):
    with fleet.carrier(), ExitStack() as up:
        for site in fleet.sites:
            up.enter_context(site.calling(Kind.NARROW, CHANNELS // 2, hold_ms=20_000))
        fleet.sites[0].until(lambda: fleet.in_use() == CHANNELS, what="a full trunk")
        for site in fleet.sites:
            assert heard(site) == [503]
        order_at(fleet.sites[0], CHANNELS + ADDED)
        paid = time.monotonic()
        more = [
            up.enter_context(site.calling(Kind.NARROW, 1, hold_ms=5_000)) for site in fleet.sites
        ]
        fleet.sites[0].until(lambda: fleet.in_use() == CHANNELS + ADDED, 4, "the added channels")
        assert time.monotonic() - paid < USABLE_SECONDS + SIPP_SECONDS
        for site in fleet.sites:
            assert heard(site) == [503]
        assert [one.wait().statuses for one in more] == [[200], [200]]
    for site in fleet.sites:
        site.asterisk.cli("channel request hangup all")


def heard(site: Site) -> list[int]:
    """What one call more hears."""
    with site.calling(Kind.NARROW, 1, hold_ms=300) as one:
        return one.wait().statuses
