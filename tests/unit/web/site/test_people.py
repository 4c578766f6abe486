"""Who may log in, and tokens: of a customer, and of the provider."""

import re

import pytest

from asterisk_siptrunk.account import Role, Scope
from asterisk_siptrunk.account.secret import digest
from asterisk_siptrunk.database import accounts, audit, tokens
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from tests.unit.web.conftest import PASSWORD, login_of

ADMIN = login_of(Role.CUSTOMER_ADMIN, "acme")
USER = login_of(Role.CUSTOMER_USER, "acme")
ROOT = login_of(Role.PROVIDER_ADMIN)
THEIRS, OURS = "/customers/acme/people", "/provider/people"
NEW = "new@acme.example"


@pytest.fixture
def account(house):
    """An account as it is kept."""

    def ask(login=USER):
        with reading(house.engine) as connection:
            return accounts.get(connection, login)

    return ask


def once(answer):
    """What a page shows this once."""
    (shown,) = re.findall(r'<code class="once">([^<]+)</code>', answer.text)
    return shown


def test_everybody_of_a_customer(admin):
    page = admin.get(THEIRS).text
    assert all(login in page for login in (ADMIN, USER))
    assert "bolt" not in page
    assert "provider" not in page.split("<main")[1].split("</main>")[0].replace("provider-", "")


@pytest.mark.parametrize("who", ["user", "support"])
def test_who_may_not(request, who):
    browser = request.getfixturevalue(who)
    assert browser.get(THEIRS).status_code == 403
    assert browser.get(OURS).status_code == 403
    assert browser.post(THEIRS, login=NEW, role="customer-user").status_code == 403


@pytest.mark.parametrize("path", [OURS, "/customers/bolt/people", "/customers/nope/people"])
def test_no_customer_sees_others(admin, path):
    assert admin.get(path).status_code in {403, 404}
    assert admin.post(path, login=NEW, role="customer-user").status_code in {403, 404}


def test_somebody_is_let_in_by_a_password_shown_once(admin, nobody, account):
    answer = admin.post(THEIRS, login=NEW.upper(), name="New", role="customer-admin")
    password = once(answer)
    assert (account(NEW).role, account(NEW).customer, account(NEW).name) == (
        Role.CUSTOMER_ADMIN,
        "acme",
        "New",
    )
    assert nobody.log_in(NEW, password).status_code == 303
    assert password not in admin.get(THEIRS).text


def test_to_htmx_the_part_alone_is_given(admin):
    answer = admin.client.get(THEIRS, headers={"HX-Request": "true"})
    assert "<html" not in answer.text
    assert 'id="invite"' in answer.text


@pytest.mark.parametrize(
    ("fields", "status", "said"),
    [
        ({"login": USER}, 409, "has an account already"),
        ({"login": "nobody"}, 422, "is no e-mail address"),
        ({"role": "provider-admin"}, 422, "Choose one of the roles."),
        ({"role": "provider-support"}, 422, "Choose one of the roles."),
        ({"role": ""}, 422, "Choose one of the roles."),
    ],
)
def test_who_is_not_let_in(admin, fields, status, said):
    answer = admin.post(THEIRS, **({"login": NEW, "name": "", "role": "customer-user"} | fields))
    assert (answer.status_code, said in answer.text) == (status, True)


def test_roles_are_given(admin, account):
    its = f"{THEIRS}/{account().id}/role"
    assert admin.post(its, role="customer-admin").status_code == 303
    assert account().role == Role.CUSTOMER_ADMIN
    assert admin.post(its, role="provider-admin").status_code == 422
    assert account().role == Role.CUSTOMER_ADMIN


def test_nobody_raises_or_puts_out_itself(admin, provider, account):
    for browser, place, login in ((admin, THEIRS, ADMIN), (provider, OURS, ROOT)):
        before = account(login)
        for what, fields in (
            ("role", {"role": before.role}),
            ("access", {"disabled": "yes"}),
            ("password", {}),
            ("second/off", {}),
        ):
            answer = browser.post(f"{place}/{before.id}/{what}", **fields)
            assert (answer.status_code, "for somebody else to change" in answer.text) == (422, True)
        assert account(login) == before


def test_somebody_is_put_out_at_once_and_let_in_again(admin, user, nobody, account):
    its = f"{THEIRS}/{account().id}/access"
    assert admin.post(its, disabled="yes").status_code == 303
    assert user.get("/customers/acme").status_code == 303
    assert nobody.log_in(USER).status_code == 422
    assert f"{USER} is out." in admin.get(THEIRS).text
    admin.post(its, disabled="no")
    assert nobody.log_in(USER).status_code == 303


def test_a_forgotten_password(admin, user, nobody, account):
    password = once(admin.post(f"{THEIRS}/{account().id}/password"))
    assert user.get("/customers/acme").status_code == 303
    assert nobody.log_in(USER, PASSWORD).status_code == 422
    assert nobody.log_in(USER, password).status_code == 303


def test_a_lost_authenticator(admin, account, house, clock):
    with transaction(house.engine) as connection:
        accounts.set_second(connection, By("setup", clock.now), USER, "A" * 32, 0)
    assert "Switch the second factor off" in admin.get(THEIRS).text
    assert admin.post(f"{THEIRS}/{account().id}/second/off").status_code == 303
    assert not account().second


def test_what_is_risky_asks_for_the_password_again(admin, account, clock):
    clock.advance(minutes=11)
    its = f"{THEIRS}/{account().id}"
    for path in (THEIRS, f"{THEIRS}/tokens", f"{its}/role", f"{its}/password", f"{its}/second/off"):
        assert admin.post(path, role="customer-admin").headers["location"].startswith("/confirm")
    assert account().role == Role.CUSTOMER_USER
    assert admin.post(f"{its}/access", disabled="yes").headers["location"] == THEIRS


@pytest.mark.parametrize("what", ["role", "access", "password", "second/off"])
def test_a_stranger_finds_nobody(stranger, account, what):
    before = account()
    fields = {"role": "customer-admin", "disabled": "yes"}
    for place in (THEIRS, "/customers/bolt/people", OURS):
        answer = stranger.post(f"{place}/{before.id}/{what}", **fields)
        assert answer.status_code in ({403} if place == OURS else {404})
    assert account() == before


def test_the_provider_leads_all(provider, account):
    assert provider.get("/customers/nope/people").status_code == 404
    assert USER in provider.get(THEIRS).text
    assert provider.post(f"{THEIRS}/{account().id}/role", role="customer-admin").status_code == 303
    answer = provider.post(OURS, login="new@provider.example", role="provider-support")
    assert once(answer)
    assert account("new@provider.example").role == Role.PROVIDER_SUPPORT
    assert provider.post(f"{OURS}/{account().id}/access", disabled="yes").status_code == 404


def test_what_is_changed_is_signed(provider, account, house):
    once(provider.post(OURS, login="two@provider.example", role="provider-admin"))
    two = account("two@provider.example")
    assert provider.post(f"{OURS}/{two.id}/role", role="provider-support").status_code == 303
    with reading(house.engine) as connection:
        entry = audit.history(connection, "account", two.login)[0]
    assert (entry.author, entry.change) == (ROOT, "role: provider-support")


# --- tokens ---


def kept(house, of="acme"):
    with reading(house.engine) as connection:
        return tokens.listed(connection, of)


def make(browser, place=THEIRS, scope="read", name="crm", days="9"):
    return browser.post(f"{place}/tokens", name=name, scope=scope, days=days)


def test_a_token_is_shown_once_and_kept_as_its_digest(admin, house, clock):
    token = once(make(admin))
    (found,) = kept(house)
    assert (found.name, found.scopes, found.author) == ("crm", {Scope.READ}, ADMIN)
    assert (found.expires_at - clock.now).days == 9
    page = admin.get(THEIRS).text
    assert "crm" in page
    assert token not in page
    with reading(house.engine) as connection:
        assert tokens.find(connection, digest(token)) == found


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scope": "run"}, "You cannot make a token for this."),
        ({"scope": "payments"}, "You cannot make a token for this."),
        ({"scope": "everything"}, "You cannot make a token for this."),
        ({"scope": ""}, "You cannot make a token for this."),
        ({"days": "0"}, "1 to 1825"),
        ({"days": "1826"}, "1 to 1825"),
        ({"days": "9" * 5000}, "1 to 1825"),
        ({"days": "soon"}, "1 to 1825"),
        ({"name": " "}, "A token has a name"),
    ],
)
def test_tokens_that_are_not_made(admin, house, fields, said):
    answer = make(admin, **fields)
    assert (answer.status_code, said in answer.text) == (422, True)
    assert kept(house) == []


def test_the_provider_makes_tokens_for_itself_and_for_customers(provider, house):
    once(make(provider, OURS, "run", "own"))
    once(make(provider, THEIRS, "manage", "help"))
    assert make(provider, THEIRS, "run").status_code == 422
    assert [one.name for one in kept(house, "")] == ["own"]
    assert [one.name for one in kept(house)] == ["help"]


def test_a_token_is_revoked_by_its_own_people_alone(admin, stranger, provider, house):
    make(admin)
    (found,) = kept(house)
    for browser, place in ((stranger, "/customers/bolt/people"), (stranger, THEIRS)):
        assert browser.post(f"{place}/tokens/{found.id}/revoke").status_code == 404
    assert provider.post(f"{OURS}/tokens/{found.id}/revoke").status_code == 404
    assert kept(house) == [found]
    assert admin.post(f"{THEIRS}/tokens/{found.id}/revoke").status_code == 303
    assert kept(house)[0].revoked_at is not None
    assert "Revoked" in admin.get(THEIRS).text


def test_one_that_has_ended_says_so(admin, clock):
    make(admin, days="1")
    assert "until" in admin.get(THEIRS).text
    clock.advance(days=1)
    assert admin.log_in(ADMIN).status_code == 303
    assert "Ended" in admin.get(THEIRS).text
