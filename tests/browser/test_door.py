"""Coming in, and finding the way about with nothing but a keyboard."""

import pytest

from asterisk_siptrunk.account import Role
from tests.browser.town import TRUNK
from tests.lab.browser import Chromium, Visit
from tests.unit.web.conftest import PASSWORD, login_of

pytestmark = pytest.mark.browser

LOGIN = login_of(Role.CUSTOMER_ADMIN, "acme")
MOST_STEPS = 60
"""Presses of Tab: whoever needs more would give up."""


def focused(visit: Visit) -> str:
    """What has the focus, as a screen reader would call it."""
    name: str = visit.page.evaluate("""() => {
        const one = document.activeElement;
        const label = one.labels?.[0]?.textContent ?? one.getAttribute("aria-label");
        return (label ?? one.textContent).trim();
    }""")
    return name


def tab_to(visit: Visit, name: str) -> None:
    for _ in range(MOST_STEPS):
        visit.page.keyboard.press("Tab")
        if focused(visit) == name:
            return
    pytest.fail(f"no way to {name!r} by Tab on {visit.page.url}")


def outline(visit: Visit) -> str:
    return str(visit.page.evaluate("() => getComputedStyle(document.activeElement).outlineStyle"))


def test_a_keyboard_is_enough(chromium: Chromium, site: str):
    with chromium.visit(site) as visit:
        page = visit.page
        visit.go("/")
        tab_to(visit, "E-mail address")
        page.keyboard.type(LOGIN)
        tab_to(visit, "Password")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url("**/customers/acme")
        page.keyboard.press("Tab")
        assert focused(visit) == "Skip to the content"
        page.keyboard.press("Enter")
        assert page.evaluate("() => document.activeElement.id") == "main"
        tab_to(visit, TRUNK)
        assert outline(visit) == "solid"
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/trunks/{TRUNK}")
        tab_to(visit, "Destinations")
        page.keyboard.press("Enter")
        page.wait_for_url(f"**/trunks/{TRUNK}/destinations")
        assert page.get_by_role("heading", level=1).is_visible()
        assert visit.complaints == []


def test_a_wrong_password_is_told_to_a_screen_reader(chromium: Chromium, site: str):
    with chromium.visit(site) as visit:
        visit.go("/login")
        page = visit.page
        page.get_by_label("E-mail address").fill(LOGIN)
        page.get_by_label("Password").fill("not this one")
        page.get_by_role("button", name="Log in").click()
        assert "wrong" in page.get_by_role("alert").inner_text()
        # What was typed is there still, and the password is not.
        assert page.get_by_label("E-mail address").input_value() == LOGIN
        assert page.get_by_label("Password").input_value() == ""


def test_out_is_out(chromium: Chromium, site: str):
    with chromium.visit(site) as visit:
        visit.log_in(LOGIN, PASSWORD)
        visit.page.get_by_role("button", name="Log out").click()
        visit.page.wait_for_url("**/login")
        # Neither the address nor the browser's way back shows anything any more.
        visit.go("/customers/acme")
        assert "/login" in visit.page.url
        visit.page.go_back()
        assert visit.page.get_by_label("Password").is_visible()


def test_scripts_see_no_session(chromium: Chromium, site: str):
    with chromium.visit(site) as visit:
        visit.log_in(LOGIN, PASSWORD)
        assert visit.page.evaluate("() => document.cookie") == ""
        (cookie,) = visit.page.context.cookies()
        assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"]) == (True, True, "Lax")
