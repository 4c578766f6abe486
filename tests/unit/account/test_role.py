"""What each role may do, and what a token may be for."""

import pytest

from asterisk_siptrunk.account import Right, Role, Scope, rights_of
from asterisk_siptrunk.account.people import may_lead, roles_at, scopes_from
from tests.unit.account.builders import somebody

USER, ADMIN = Role.CUSTOMER_USER, Role.CUSTOMER_ADMIN
SUPPORT, PROVIDER = Role.PROVIDER_SUPPORT, Role.PROVIDER_ADMIN

#         role      see manage people see-all run
TABLE = """
customer-user       yes no     no     no      no
customer-admin      yes yes    yes    no      no
provider-support    yes yes    no     yes     no
provider-admin      yes yes    yes    yes     yes
"""


@pytest.mark.parametrize("line", TABLE.strip().splitlines(), ids=lambda line: line.split()[0])
def test_rights(line):
    role, *cells = line.split()
    expected = {right for right, cell in zip(Right, cells, strict=True) if cell == "yes"}
    assert rights_of(Role(role)) == expected
    assert {right for right in Right if somebody(Role(role)).may(right)} == expected


def test_whose_a_role_is():
    assert [role for role in Role if role.of_provider] == [SUPPORT, PROVIDER]
    assert (roles_at("acme"), roles_at("")) == ((USER, ADMIN), (SUPPORT, PROVIDER))


@pytest.mark.parametrize(
    ("role", "customer", "scopes"),
    [
        (USER, "acme", "read"),
        (ADMIN, "acme", "read billing manage"),
        (SUPPORT, "acme", "read billing manage"),
        (SUPPORT, "", "read billing manage"),
        (PROVIDER, "acme", "read billing manage"),
        (PROVIDER, "", "read billing manage payments run"),
    ],
)
def test_nobody_makes_a_token_for_more_than_it_may(role, customer, scopes):
    assert " ".join(scopes_from(somebody(role), customer)) == scopes


def test_which_scopes_are_the_providers():
    assert [scope for scope in Scope if scope.of_provider] == [Scope.PAYMENTS, Scope.RUN]
    assert all(scope.of_provider is (scope.right is Right.RUN) for scope in Scope)


@pytest.mark.parametrize(
    ("author", "whom", "may"),
    [
        (somebody(ADMIN), somebody(USER, id=2), True),
        (somebody(ADMIN), somebody(ADMIN, id=2), True),
        (somebody(ADMIN), somebody(ADMIN, id=1), False),  # itself
        (somebody(ADMIN), somebody(USER, "bolt", id=2), False),
        (somebody(ADMIN), somebody(PROVIDER, id=2), False),
        (somebody(USER), somebody(USER, id=2), False),
        (somebody(SUPPORT), somebody(USER, id=2), False),
        (somebody(PROVIDER), somebody(USER, "bolt", id=2), True),
        (somebody(PROVIDER), somebody(PROVIDER, id=2), True),
        (somebody(PROVIDER), somebody(PROVIDER, id=1), False),
    ],
)
def test_who_leads_whom(author, whom, may):
    assert may_lead(author, whom) is may
