"""A customer's day at the management interface: a real browser, a real Asterisk, real calls.

Each step is seen twice: by who looks at the page, and by the PBX that calls.
"""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Page, expect

from asterisk_siptrunk.account import Role
from tests.asterisk.conftest import CARRIER_HOST, PBX_HOST
from tests.asterisk.test_billing import ADDED, FIRST_CHANNELS, Shop, by_webhook, sell
from tests.asterisk.test_watch import RULES
from tests.lab.browser import Chromium, Visit
from tests.lab.clock import Clock
from tests.lab.processes import free_ports
from tests.lab.provider import Provider
from tests.lab.sipp import register

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.asterisk, pytest.mark.browser, pytest.mark.timeout(300)]

CUSTOMER, PROVIDER = "ada@acme.example", "bo@provider.example"
PASSWORD = "seven wet bicycles"
PREMIUM = [f"0037190{number:06}" for number in range(8)]
BURST = FIRST_CHANNELS + ADDED
HOLD_MS = 3_000


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    carrier_port, backup_port = free_ports(2, "udp")
    (web_port,) = free_ports(1, "tcp")
    rules: Path = tmp_path_factory.mktemp("rules") / "rules.toml"
    rules.write_text(RULES)
    with Provider() as provider:
        clock = Clock(provider.asterisk.directory)
        provider.asterisk.environment |= clock.environment
        provider.environment |= clock.environment
        provider.environment |= {
            "SIPTRUNK_WEB_PORT": str(web_port),
            "SIPTRUNK_WATCH_RULES": str(rules),
        }
        provider.asterisk.restart()
        made = sell(provider)
        provider.do(
            *("carrier", "add", "telco", "--profile", "generic", "--qualify", "0"),
            *("--server", f"{CARRIER_HOST}:{carrier_port}", "--match", CARRIER_HOST),
        )
        let_in(provider, CUSTOMER, Role.CUSTOMER_ADMIN, "--customer", "acme")
        let_in(provider, PROVIDER, Role.PROVIDER_ADMIN)
        provider.do("config", "apply", "--yes")
        provider.serve()
        sides = (made["username"], made["secret"], carrier_port, backup_port)
        yield Shop(provider, *sides, clock, web_port)


def let_in(provider: Provider, login: str, role: Role, *more: str) -> None:
    words = ("web", "add-user", login, "--role", role.value, *more, "--password-stdin")
    done = provider.run(*words, given=f"{PASSWORD}\n")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def shop(opened: Shop) -> Iterator[Shop]:
    yield opened
    opened.provider.asterisk.cli("channel request hangup all")


def test_a_customer_s_day(shop: Shop):
    with Chromium() as browser:
        address = f"http://127.0.0.1:{shop.web_port}"
        with shop.carrier():
            with browser.visit(address) as visit:
                visit.log_in(CUSTOMER, PASSWORD)
                buys_channels(shop, visit)
                opens_a_destination(shop, visit)
                releases_what_was_stopped(shop, visit)
                assert visit.complaints == []
            # A visit of its own: the clock is set ahead, and sessions go by it.
            with browser.visit(address) as visit:
                visit.log_in(CUSTOMER, PASSWORD)
                rotates_credentials(shop, visit)
        with browser.visit(address) as visit:
            visit.log_in(PROVIDER, PASSWORD)
            provider_sees_it(visit)
            assert visit.complaints == []


def burst(shop: Shop) -> list[int]:
    """What the calls hear that a PBX places at once."""
    shop.provider.until_idle()
    calls = [shop.call_of(f"06123456{one:02}") for one in range(BURST)]
    with shop.calling(calls, hold_ms=HOLD_MS) as placed:
        return placed.wait().statuses


def buys_channels(shop: Shop, visit: Visit) -> None:
    """More calls at once than channels; more channels; and the same calls again."""
    assert burst(shop) == [200] * FIRST_CHANNELS + [503] * ADDED
    visit.go("/customers/acme")
    home = visit.page
    expect(home.get_by_text("2 calls")).to_be_visible()  # of those 24 hours, and why
    home.evaluate("() => { window.sameDocument = true; }")
    shop_page = home.context.new_page()
    reference = order(shop_page, visit.address)
    meter = home.get_by_role("meter", name="Channels in use on trunk acme")
    expect(meter).to_have_attribute("max", str(FIRST_CHANNELS))
    by_webhook(shop, reference)
    expect(meter).to_have_attribute("max", str(BURST))
    assert home.evaluate("() => window.sameDocument") is True  # nobody loaded it again
    shop_page.reload()
    expect(shop_page.get_by_role("row", name=reference)).to_contain_text("paid")
    shop_page.close()
    assert burst(shop) == [200] * BURST


def order(page: Page, address: str) -> str:
    """Order the added channels; the reference that the payment is to name."""
    page.goto(f"{address}/trunks/acme/channels")
    page.get_by_label("Number of channels").fill(str(BURST))
    page.get_by_role("button", name=re.compile(f"^Order {BURST} channels for")).click()
    told = page.get_by_role(
        "heading", name=re.compile(r"^Order .* waits for its payment")
    ).inner_text()
    return told.split()[1]


def opens_a_destination(shop: Shop, visit: Visit) -> None:
    """A number is refused; the page says why; it is opened, and passes."""
    assert shop.call(PREMIUM[0]).statuses == [403]
    page = visit.page
    visit.go("/trunks/acme/destinations")
    page.get_by_label("Number, as your PBX dials it").fill(PREMIUM[0])
    page.get_by_role("button", name="What would happen?").click()
    expect(page.locator("#tested")).to_contain_text("block")
    page.get_by_label("Another destination").fill("lv:premium")
    page.get_by_role("button", name="Open…").click()
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Destinations")
    assert shop.call(PREMIUM[0]).statuses == [200]


def releases_what_was_stopped(shop: Shop, visit: Visit) -> None:
    """Premium calls at once are stopped by the watch; the customer sees why, and releases it."""
    attack = [shop.call_of(each) for each in PREMIUM[1:5]]
    with shop.calling(attack, hold_ms=60_000) as placed:
        placed.wait()  # they would hold for a minute: the watch ends them
    assert shop.call(PREMIUM[5]).statuses == [403]
    page = visit.page
    visit.go("/trunks/acme")
    page.get_by_role("link", name="Anomalies", exact=True).click()
    stopped = page.get_by_role("article").first
    stopped.get_by_label("Reason").fill("our own campaign")
    stopped.get_by_role("button", name="Release").click()
    expect(page.get_by_text("our own campaign").first).to_be_visible()
    expect(page.get_by_role("button", name="Release")).to_have_count(0)
    assert shop.call(PREMIUM[5]).statuses == [200]


def rotates_credentials(shop: Shop, visit: Visit) -> None:
    """A new password is made; the old one works on for an hour, and not a look longer."""
    page, old = visit.page, shop.secret
    visit.go("/trunks/acme/connect")
    page.get_by_label("The present password works on").select_option(label="for one hour")
    page.get_by_role("button", name="Make a new password").click()
    new = page.locator("#secret").inner_text()
    expect(page.get_by_text("All servers go by this.")).to_be_visible(timeout=30_000)
    assert (registering(shop, old), registering(shop, new)) == (200, 200)
    assert shop.call("0612345678").statuses == [200]
    shop.step_to(shop.now() + timedelta(hours=1, minutes=1))
    shop.provider.until(lambda: registering(shop, old) == 401, 30, "the old password to end")
    assert registering(shop, new) == 200
    assert shop.call("0612345678").statuses == [401]
    shop.secret = new
    assert shop.call("0612345678").statuses == [200]


def registering(shop: Shop, secret: str) -> int:
    """What the PBX is answered that registers with a password."""
    (port,) = free_ports(1, "udp")
    target = shop.provider.asterisk.sip_address
    return register(target, shop.username, secret, port, host=PBX_HOST).status


def provider_sees_it(visit: Visit) -> None:
    """Who did what, what the watch found, and what was sold."""
    page = visit.page
    visit.go("/provider/audit")
    page.get_by_label("By whom").fill(CUSTOMER)
    page.get_by_role("button", name="Search").click()
    table = page.get_by_role("table")
    for change in ("lv:premium", "our own campaign", "secret rotated", "order"):
        expect(table.get_by_role("row").filter(has_text=change).first).to_be_visible()
    visit.go("/provider/anomalies?state=released")
    expect(page.get_by_role("row").filter(has_text="lv:premium").first).to_be_visible()
    visit.go("/trunks/acme/channels")
    expect(page.get_by_role("table", name="ordered").get_by_text("paid").first).to_be_visible()
