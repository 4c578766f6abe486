"""Pictures of the main pages for the README: `make screenshots` takes them from the demo's data."""

from collections.abc import Iterator
from pathlib import Path

from tests.lab.browser import DESK, PHONE, SETTLED, Chromium, Visit

FOLDER = Path(__file__).with_name("pages")
CUSTOMER, PROVIDER = "alice@acme.example", "bob@provider.example"
TRUNK = "acme-paris"
QUALITY = 80
"""Of JPEG: a picture stays under 150 kB, and is read as well."""
PAGES = {
    CUSTOMER: {
        "home": "/customers/acme",
        "trunk": f"/trunks/{TRUNK}",
        "channels": f"/trunks/{TRUNK}/channels?channels=6",
        "destinations": f"/trunks/{TRUNK}/destinations",
        "call": f"/trunks/{TRUNK}/calls",
        "anomalies": f"/trunks/{TRUNK}/anomalies",
    },
    PROVIDER: {"wallboard": "/provider"},
}
DARK = {"home", "wallboard"}


def take(address: str, customer: str, provider: str) -> Iterator[Path]:
    """Take them from a site, by the passwords of those two; gives each file."""
    FOLDER.mkdir(exist_ok=True)
    passwords = {CUSTOMER: customer, PROVIDER: provider}
    with Chromium() as browser:
        for login, pages in PAGES.items():
            for kind, size in (("desk", DESK), ("phone", PHONE)):
                with browser.visit(address, size=size) as visit:
                    visit.log_in(login, passwords[login])
                    for name, path in pages.items():
                        yield from _pictures(visit, name, path, kind)


def _pictures(visit: Visit, name: str, path: str, kind: str) -> Iterator[Path]:
    visit.go(path)
    page = visit.page
    page.wait_for_function(SETTLED)
    if name == "call":
        page.get_by_role("table").get_by_role("link").first.click()
        page.wait_for_url("**/calls/*")
    if name == "destinations" and kind == "desk":
        page.get_by_role("heading", name="The world").scroll_into_view_if_needed()
        page.evaluate("() => document.querySelector('.map').scrollIntoView()")
    for scheme in ("light", "dark"):
        if scheme == "light" or (name in DARK and kind == "desk"):
            page.emulate_media(color_scheme=scheme)
            suffix = "-dark" * (scheme == "dark")
            file = FOLDER / f"{name}-{kind}{suffix}.jpg"
            page.screenshot(path=file, type="jpeg", quality=QUALITY)
            yield file
