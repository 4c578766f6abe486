"""Every page that links lead to, as each role sees it: on a desk and on a phone, light and dark.

The customer's admin and the provider's read English, the other two French.
"""

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from starlette.routing import compile_path

from asterisk_siptrunk.account import Role
from asterisk_siptrunk.web.app import PAGES
from tests.lab.browser import DESK, PHONE, SETTLED, Chromium, Visit
from tests.unit.web.conftest import PASSWORD, login_of

pytestmark = pytest.mark.browser

AXE = Axe()
SERIOUS = {"serious", "critical"}
FILES = re.compile(r"\.(csv|pdf|xml|json)$|/as/")
PATTERNS = [(compile_path(page.path)[0], page.path) for page in PAGES if page.method == "GET"]
FEWEST = {
    Role.CUSTOMER_USER: 10,
    Role.CUSTOMER_ADMIN: 10,
    Role.PROVIDER_SUPPORT: 20,
    Role.PROVIDER_ADMIN: 20,
}
"""Pages that each role must find: links that are gone must not make this pass."""
LANGUAGES = {Role.CUSTOMER_USER: "fr", Role.PROVIDER_SUPPORT: "fr"}


def shape(address: str) -> str:
    """What kind of page this is: one call is as good as another, and one order of a table."""
    path = urlsplit(address).path
    return next((each for pattern, each in PATTERNS if pattern.match(path)), path)


def links(visit: Visit) -> list[str]:
    """Where the page leads, on this site; a map's links too, whose `href` is no plain text."""
    hrefs = visit.page.evaluate("""() => [...document.querySelectorAll("a[href]")].map(
        (one) => new URL(one.getAttribute("href"), document.baseURI).href)""")
    return [one.partition("#")[0] for one in hrefs if one.startswith(f"{visit.address}/")]


def walk(visit: Visit) -> Iterator[str]:
    """Open one page of each kind that links lead to; its address, while it is open."""
    waiting, known = ["/"], {shape("/")}
    while waiting:
        address = waiting.pop(0)
        if FILES.search(urlsplit(address).path):
            assert visit.page.request.get(visit.address + address).ok, address
            continue
        if (status := visit.go(address)) != 200:
            visit.complaints.append(f"{address} is answered with {status}")
            continue
        visit.page.wait_for_function(SETTLED)
        yield address
        for link in links(visit):
            if shape(link) not in known:
                known.add(shape(link))
                waiting.append(link.removeprefix(visit.address))


def barriers(visit: Visit, *rules: str) -> str:
    """What axe says stands in somebody's way on this page, by all its rules or by these."""
    options = {"resultTypes": ["violations"], **({"runOnly": list(rules)} if rules else {})}
    found = AXE.run(visit.page, options=options)
    found.response["violations"] = [
        one for one in found.response["violations"] if one["impact"] in SERIOUS
    ]
    return found.generate_report() if found.violations_count else ""


def overflow(visit: Visit) -> int:
    """By how many pixels the page is wider than the screen."""
    return int(
        visit.page.evaluate(
            "() => document.scrollingElement.scrollWidth - document.documentElement.clientWidth"
        )
    )


@pytest.mark.parametrize("role", list(Role))
def test_pages(chromium: Chromium, site: str, role: Role):
    language = LANGUAGES.get(role, "en")
    count = 0
    faults = []
    with chromium.visit(site, language=language) as visit:
        visit.log_in(login_of(role, "" if role.of_provider else "acme"), PASSWORD)
        for address in walk(visit):
            count += 1
            faults += [f"{address} {fault}" for fault in look(visit, language)]
        faults += visit.complaints
    assert faults == [], "\n".join(faults)
    assert count >= FEWEST[role]


def look(visit: Visit, language: str) -> Iterator[str]:
    """What is wrong with the page that is open."""
    page = visit.page
    if page.locator("html").get_attribute("lang") != language:
        yield "is in another language"
    if page.get_by_role("heading", level=1).count() != 1:
        yield "has not one heading of the first level"
    if told := barriers(visit):
        yield told
    page.emulate_media(color_scheme="dark")
    if told := barriers(visit, "color-contrast"):
        yield f"in the dark: {told}"
    page.emulate_media(color_scheme="light")
    page.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
    if (pixels := overflow(visit)) > 0:
        yield f"is {pixels} pixels wider than a phone"
    page.set_viewport_size({"width": DESK[0], "height": DESK[1]})
