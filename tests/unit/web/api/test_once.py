"""What is about money is done once, however often it is asked, and by however many at once."""

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from asterisk_siptrunk.account import Scope
from asterisk_siptrunk.account.secret import digest, new_token
from asterisk_siptrunk.database import answers, orders, tokens
from asterisk_siptrunk.database.answers import Answer, Asked
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.tables import answered, channel_order
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput
from asterisk_siptrunk.web.api.app import make_api
from tests.unit.database.builders import NOON
from tests.unit.database.shop import at_once
from tests.unit.web.api.conftest import client_of, mounted
from tests.unit.web.api.filling import PLENTY, begin_selling, issue, open_up
from tests.unit.web.conftest import Clock, a_house

WISH = {"trunk": "acme-rome", "channels": 3}
KEY = {"Idempotency_Key": "8e03978e"}


def rows(house, table) -> int:
    with reading(house.engine) as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def test_the_same_request_is_answered_the_same_and_done_once(acme, house):
    before = rows(house, channel_order)
    first = acme("POST", "/orders", WISH, **KEY)
    again = acme("POST", "/orders", dict(reversed(WISH.items())), **KEY)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert rows(house, channel_order) == before + 1


def test_without_a_key_each_request_counts(acme):
    assert acme("POST", "/orders", WISH).status_code == 201
    assert acme("POST", "/orders", WISH).status_code == 409  # one waits for its payment


def test_a_key_is_for_one_request(acme, house):
    acme("POST", "/orders", WISH, **KEY)
    before = rows(house, channel_order)
    answer = acme("POST", "/orders", WISH | {"channels": 4}, **KEY)
    assert answer.status_code == 422
    assert "key of its own" in answer.json()["detail"]
    reference = acme.names("/orders", "reference")[0]
    assert acme("POST", f"/orders/{reference}/cancel", **KEY).status_code == 422
    assert rows(house, channel_order) == before


def test_another_tokens_key_is_another(acme, api, house):
    acme("POST", "/orders", WISH, **KEY)
    other = client_of(api, issue(house, "acme", name="other"))
    assert other("POST", "/orders", WISH | {"trunk": "acme-oslo"}, **KEY).status_code == 201


def test_what_was_refused_may_be_asked_again(acme, house):
    assert acme("POST", "/orders", WISH | {"channels": 999}, **KEY).status_code == 422
    assert rows(house, answered) == 0
    assert acme("POST", "/orders", WISH, **KEY).status_code == 201


def test_an_answer_is_kept_for_a_day(acme, house, clock):
    acme("POST", "/orders", WISH, **KEY)
    clock.advance(hours=23, minutes=59)
    assert acme("POST", "/orders", WISH, **KEY).headers["idempotency-replayed"] == "true"
    clock.advance(minutes=1)
    assert acme("POST", "/orders", WISH, **KEY).status_code == 409
    with transaction(house.engine) as connection:
        answers.forget(connection, clock.now)
    assert rows(house, answered) == 0


def test_a_cancelled_order_is_cancelled_once(acme, filled):
    path = f"/orders/{filled['acme']['order']}/cancel"
    first, again = acme("POST", path, **KEY), acme("POST", path, **KEY)
    assert first.json()["state"] == "cancelled"
    assert (again.status_code, again.json()) == (200, first.json())
    assert acme("POST", path).status_code == 422


def test_a_payment_takes_effect_once(ours, filled):
    paid = {
        "reference": "bank-1",
        "amount": ours.get(f"/orders/{filled['acme']['order']}")["total"]["gross"]["amount"],
        "currency": "EUR",
        "order": filled["acme"]["order"],
    }
    first, again = ours("POST", "/payments", paid, **KEY), ours("POST", "/payments", paid, **KEY)
    assert first.json()["state"] == again.json()["state"] == "applied"
    assert ours("POST", "/payments", paid).json()["state"] == "already"
    assert ours.get("/trunks/acme-lyon")["channels"] == 5
    other = paid | {"amount": "1.00"}
    assert ours("POST", "/payments", other).status_code == 409
    (told,) = ours.get("/audit?noun=payment&name=bank-1")["items"]
    assert told["author"] == "token crm of the provider"


def test_no_secret_is_kept_with_an_answer(ours, house):
    order = ours("POST", "/orders", WISH | {"customer": "acme"}).json()
    total = order["total"]["gross"]
    paid = {"reference": "bank-2", "order": order["reference"], **total}
    answer = ours("POST", "/payments", paid, **KEY)
    assert set(answer.json()) == {"reference", "state", "words"}
    assert answer.json()["state"] == "applied"
    secret = ours("POST", "/trunks/acme-rome/credentials").json()["secret"]
    with reading(house.engine) as connection:
        kept = connection.execute(select(answered.c.body)).scalars().all()
    assert secret not in "".join(kept)


# --- on either database ---


@pytest.fixture
def shop(database_url):
    house = a_house(database_url, Clock())
    open_up(house)
    begin_selling(house)
    yield house
    house.engine.dispose()


def test_two_at_once_place_one_order(shop):
    """Each in a transaction of its own; whoever comes second is told, or told to ask again."""
    api, word = mounted(make_api(shop, PLENTY, PLENTY)), issue(shop, "acme")
    clients = [client_of(api, word) for _ in range(4)]
    clients[0]("GET", "/trunks")  # its use is noted
    for turn in range(5):
        name, key = f"acme-rome-{turn}", {"Idempotency_Key": f"turn-{turn}"}
        wish = WISH | {"trunk": name}
        came = at_once(*(lambda c=c: c("POST", "/orders", wish, **key) for c in clients))  # noqa: B023
        # 503: on a busy machine SQLite's lock was another's for longer than is waited for.
        assert {answer.status_code for answer in came} <= {201, 409, 503}, came
        told = {each.json()["reference"] for each in came if each.status_code == 201}
        assert len(told) == 1
        assert all("under way" in each.json()["detail"] for each in came if each.status_code == 409)
        again = clients[0]("POST", "/orders", wish, **key)
        assert {again.json()["reference"]} == told
        with reading(shop.engine) as connection:
            assert len(orders.every(connection, name)) == 1


def an_asked(shop, key="k", fingerprint="f", at=NOON) -> Asked:
    with transaction(shop.engine) as connection:
        known = tokens.listed(connection)
        if not known:
            issue_token(connection, shop)
            known = tokens.listed(connection)
    return Asked(known[0].id, key, hashlib.sha256(fingerprint.encode()).hexdigest(), at)


def issue_token(connection, shop) -> None:
    tokens.add(
        connection,
        By("setup", shop.now()),
        name="crm",
        customer="acme",
        scopes=[Scope.READ],
        expires_at=shop.now() + timedelta(days=1),
        digest=digest(new_token()),
    )


def test_an_answer_is_there_with_what_it_tells_of_or_not_at_all(shop):
    asked = an_asked(shop)
    with pytest.raises(ZeroDivisionError):
        keep_and_fail(shop, asked)
    with transaction(shop.engine) as connection:
        assert answers.claim(connection, asked) is None
        answers.keep(connection, asked, Answer(201, "{}"))
    with transaction(shop.engine) as connection:
        assert answers.claim(connection, asked) == Answer(201, "{}")
        with pytest.raises(InvalidInput, match="another request"):
            answers.claim(connection, an_other(asked))


def keep_and_fail(shop, asked: Asked) -> None:
    with transaction(shop.engine) as connection:
        assert answers.claim(connection, asked) is None
        answers.keep(connection, asked, Answer(201, "{}"))
        raise ZeroDivisionError


def an_other(asked: Asked) -> Asked:
    return Asked(asked.token, asked.key, "0" * 64, asked.at)


@pytest.mark.postgresql
def test_one_that_is_under_way_is_told_so(one_postgresql):
    house = a_house(one_postgresql, Clock())
    asked = Asked(1, "under way", "0" * 64, NOON)
    with transaction(house.engine) as connection, transaction(house.engine) as other:
        assert answers.claim(connection, asked) is None
        with pytest.raises(AlreadyExists, match="under way"):
            answers.claim(other, asked)
        assert answers.claim(other, Asked(1, "another", "0" * 64, NOON)) is None
    with transaction(house.engine) as connection:
        assert answers.claim(connection, asked) is None
    house.engine.dispose()
