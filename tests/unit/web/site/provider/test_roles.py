"""Who may see and do what of the provider's own."""

import re

import pytest

from asterisk_siptrunk.account import Right, Role, rights_of
from asterisk_siptrunk.web.site.provider import (
    audit,
    carriers,
    customers,
    selling,
    servers,
    wallboard,
    watch,
)

MODULES = (audit, carriers, customers, selling, servers, wallboard, watch)
PAGES = [page for module in MODULES for page in module.PAGES.all]
NAMES = {"customer": "acme", "trunk": "acme-paris", "carrier": "first", "rule": "day-cost"}


def place(page) -> str:
    """Its path, with names that are there."""
    return re.sub(r"\{(\w+)\}", lambda name: NAMES.get(name[1], "1"), page.path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.function.__name__)
def test_nothing_of_it_is_for_customers(page, admin, stranger):
    for browser in (admin, stranger):
        ask = browser.get if page.method == "GET" else browser.post
        assert ask(place(page)).status_code == 403


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.right is Right.RUN], ids=lambda page: page.path
)
def test_support_runs_nothing(page, support):
    assert support.post(place(page)).status_code == 403


def test_each_page_asks_for_a_right_that_no_customer_has():
    """So customers' admins, who may manage, lift nothing here; and whoever sees all may help."""
    assert {page.right for page in PAGES} == {Right.SEE_ALL, Right.RUN}
    assert all(page.right is Right.SEE_ALL for page in PAGES if page.method == "GET")
    for role in Role:
        assert role.of_provider or not rights_of(role) & {Right.SEE_ALL, Right.RUN}
        assert Right.SEE_ALL not in rights_of(role) or Right.MANAGE in rights_of(role)
