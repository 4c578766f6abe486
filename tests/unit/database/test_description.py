"""What a provider describes: customers, trunks, numbers, carriers, rules, and who changed them."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from ipaddress import ip_network
from threading import Barrier

import pytest
from sqlalchemy import update

from asterisk_siptrunk.database import audit, carriers, customers, rules, suspensions, trunks
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.inventory import DatabaseInventory
from asterisk_siptrunk.database.tables import trunk as trunk_table
from asterisk_siptrunk.destination import Action, Layer, Rule, Target, default_rules
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.generation.inventory import shard_of
from asterisk_siptrunk.trunk import Credentials, Grace, Suspension, SuspensionScope, TrunkKind
from tests.unit.database.builders import BY, MAIN, SECOND, carrier, provide, trunk

CREDENTIALS = Credentials("trunk-other", "siptrunk", "0" * 32, "f" * 64)


def change(engine, function, *arguments, **values):
    with transaction(engine) as connection:
        return function(connection, BY, *arguments, **values)


def read(engine, function, *arguments):
    with reading(engine) as connection:
        return function(connection, *arguments)


@pytest.fixture
def provided(engine):
    provide(engine)
    return engine


def test_a_trunk_comes_back_as_it_went(provided):
    wanted = trunk(
        "other",
        kind=TrunkKind.ADDRESS,
        channels=7,
        reserved_inbound=2,
        calls_per_second=3,
        addresses=(ip_network("198.51.100.0/24"), ip_network("2001:db8::/32")),
        contact="198.51.100.1:5060",
    )
    stored = change(provided, trunks.add, wanted, CREDENTIALS)
    assert replace(stored, id=0) == wanted
    assert read(provided, trunks.credentials_of, "other") == CREDENTIALS
    assert read(provided, trunks.credentials_of, "acme-paris") is None


@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (trunks.set_credentials, ("acme-paris", CREDENTIALS)),
        (suspensions.suspend, ("acme-paris", Suspension(SuspensionScope.ALL, "unpaid"))),
        (trunks.set_main_number, (SECOND,)),
        (trunks.remove_number, (MAIN,)),
        (rules.put, (Rule(Target.parse("lv"), Action.ALLOW, Layer.CUSTOMER), "acme-paris")),
    ],
)
def test_every_change_of_a_trunk_raises_its_version(provided, function, arguments):
    before = read(provided, trunks.get, "acme-paris").version
    change(provided, function, *arguments)
    assert read(provided, trunks.get, "acme-paris").version == before + 1


def test_what_is_taken_back_raises_the_version_too(provided):
    latvia = Rule(Target.parse("lv"), Action.ALLOW, Layer.CUSTOMER)
    change(provided, suspensions.suspend, "acme-paris", Suspension(SuspensionScope.ALL, "unpaid"))
    change(provided, rules.put, latvia, "acme-paris")
    before = read(provided, trunks.get, "acme-paris").version
    change(provided, suspensions.resume, "acme-paris")
    change(provided, rules.remove, latvia.target, Layer.CUSTOMER, "acme-paris")
    assert read(provided, trunks.get, "acme-paris").version == before + 2


def test_a_change_that_cannot_work_changes_nothing(provided):
    with pytest.raises(InvalidInput):
        change(provided, trunks.change, "acme-paris", reserved_inbound=9)
    assert read(provided, trunks.get, "acme-paris").reserved_inbound == 0


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        (customers.add, ("acme",), AlreadyExists),
        (customers.add, ("Not A Name",), InvalidInput),
        (customers.change, ("nobody",), NotFound),
        (customers.remove, ("nobody",), NotFound),
        (customers.remove, ("acme",), InvalidInput),
        (trunks.add, (trunk(), None), AlreadyExists),
        (trunks.add, (replace(trunk("t"), customer="nobody"), None), NotFound),
        (trunks.change, ("nobody",), NotFound),
        (trunks.remove_number, ("+33100000000",), NotFound),
        (carriers.add, (carrier(),), AlreadyExists),
        (carriers.remove, ("nobody",), NotFound),
        (rules.remove, (Target.parse("lv"), Layer.PROVIDER, None), NotFound),
        (
            rules.put,
            (Rule(Target.parse("lv"), Action.ALLOW, Layer.CUSTOMER), "nobody"),
            NotFound,
        ),
    ],
)
def test_what_cannot_be(provided, function, arguments, error):
    with pytest.raises(error):
        change(provided, function, *arguments)


def test_a_number_is_of_one_trunk(provided):
    change(provided, trunks.add, trunk("other"), None)
    with pytest.raises(AlreadyExists, match="belongs to trunk acme-paris already"):
        change(provided, trunks.add_number, "other", MAIN, main=False)


def test_a_carrier_comes_back_as_it_went_and_its_changes_never_tell_its_secret(provided):
    change(provided, carriers.change, "one", username="us", secret="s3cret", channels=4)
    found = read(provided, carriers.get, "one")
    assert (found.username, found.secret, found.channels) == ("us", "s3cret", 4)
    assert "s3cret" not in repr(read(provided, audit.history, "carrier", "one"))


def test_a_carrier_out_of_service_keeps_its_place(provided):
    change(provided, carriers.add, carrier("two", priority=1))
    change(provided, carriers.change, "two", enabled=False)
    names = [one.name for one in read(provided, carriers.every)]
    assert names == ["two", "one"]


def test_the_provider_s_defaults_are_the_shipped_ones(provided):
    stored = {one.rule for one in read(provided, rules.every, None)}
    assert stored == set(default_rules())


def test_a_locked_target_is_closed_to_the_customer(provided):
    latvia = Target.parse("lv")
    change(provided, rules.put, Rule(latvia, Action.BLOCK, Layer.PROVIDER, locked=True), None)
    with pytest.raises(InvalidInput, match="locked"):
        change(provided, rules.put, Rule(latvia, Action.ALLOW, Layer.CUSTOMER), "acme-paris")


def test_the_provider_s_rule_for_all_is_one_even_when_put_twice(provided):
    latvia = Target.parse("lv")
    for action in (Action.BLOCK, Action.ALLOW):
        change(provided, rules.put, Rule(latvia, action, Layer.PROVIDER), None)
    found = [
        one.rule.action for one in read(provided, rules.every, None) if one.rule.target == latvia
    ]
    assert found == [Action.ALLOW]


def test_history_tells_who_and_when_newest_first(provided):
    change(provided, trunks.change, "acme-paris", channels=9)
    entries = read(provided, audit.history, "trunk", "acme-paris")
    assert [entry.change for entry in entries] == [
        "channels: 3 → 9",
        "added for acme: 3 channels",
    ]
    assert {(entry.author, entry.at) for entry in entries} == {(BY.author, BY.at)}


def test_the_fingerprint_changes_with_its_shard_alone(provided):
    change(provided, trunks.add, trunk("other"), None)
    inventory = DatabaseInventory(provided)
    before = dict(inventory.fingerprints())
    assert set(before) == {shard_of("acme-paris"), shard_of("other")}
    change(provided, trunks.set_credentials, "other", CREDENTIALS)
    after = inventory.fingerprints()
    changed = {shard for shard in before if before[shard] != after[shard]}
    assert changed == {shard_of("other")}
    (facts,) = inventory.trunks(shard_of("other"))
    assert (facts.trunk.name, facts.credentials) == ("other", CREDENTIALS)
    assert [one.name for one in inventory.carriers()] == ["one"]


# --- a time of grace ---

NEW = replace(CREDENTIALS, md5="1" * 32, sha256="e" * 64)
NEWEST = replace(CREDENTIALS, md5="2" * 32, sha256="d" * 64)
DAY, MOMENT = timedelta(days=1), timedelta(microseconds=1)


@pytest.fixture
def rotated(provided):
    """A trunk whose secret was replaced, and works on for a day."""
    change(provided, trunks.add, trunk("other"), CREDENTIALS)
    change(provided, trunks.set_credentials, "other", NEW, DAY)
    return provided


def facts_of(engine):
    (facts,) = DatabaseInventory(engine).trunks(shard_of("other"))
    return facts.credentials, facts.previous


def test_the_secret_before_works_on_for_its_time(rotated):
    assert facts_of(rotated) == (NEW, CREDENTIALS)
    assert read(rotated, trunks.grace_of, "other") == Grace(CREDENTIALS, BY.at + DAY)
    (last, *_) = read(rotated, audit.history, "trunk", "other")
    assert (
        last.change
        == f"secret rotated; the one before works until {BY.at + DAY:%Y-%m-%d %H:%M} UTC"
    )


def test_without_a_grace_there_is_one_secret(rotated):
    change(rotated, trunks.set_credentials, "other", NEWEST)
    assert facts_of(rotated) == (NEWEST, None)
    assert read(rotated, trunks.grace_of, "other") is None


def test_of_two_that_were_replaced_the_last_one_works_on(rotated):
    change(rotated, trunks.set_credentials, "other", NEWEST, DAY)
    assert facts_of(rotated) == (NEWEST, NEW)


def test_it_is_forgotten_when_its_time_is_over(rotated):
    version = read(rotated, trunks.get, "other").version
    for at, over in ((BY.at + DAY - MOMENT, []), (BY.at + DAY, ["other"]), (BY.at + 2 * DAY, [])):
        with transaction(rotated) as connection:
            assert trunks.graces_over(connection, at) is bool(over)
            assert trunks.end_graces(connection, replace(BY, at=at)) == over
    assert facts_of(rotated) == (NEW, None)
    assert read(rotated, trunks.get, "other").version == version + 1


@pytest.mark.parametrize(
    ("credentials", "grace", "said"),
    [
        (NEWEST, timedelta(days=31), "30 days at most"),
        (NEWEST, -MOMENT, "30 days at most"),
        (replace(NEWEST, realm="another"), DAY, "Trunk other: the secret before is bound"),
    ],
    ids=["too-long", "negative", "other-realm"],
)
def test_what_cannot_work_on_is_refused(rotated, credentials, grace, said):
    with pytest.raises(InvalidInput, match=said):
        change(rotated, trunks.set_credentials, "other", credentials, grace)
    assert facts_of(rotated) == (NEW, CREDENTIALS)


def test_where_there_was_no_secret_none_works_on(provided):
    with pytest.raises(InvalidInput, match="or there was none"):
        change(provided, trunks.set_credentials, "acme-paris", CREDENTIALS, DAY)


# --- addresses ---

OFFICE = ip_network("198.51.100.0/28")


def by_address(name: str, *addresses: str, **changes):
    networks = tuple(map(ip_network, addresses))
    values = {"kind": TrunkKind.ADDRESS, "addresses": networks, "contact": "pbx.example"} | changes
    return trunk(name, **values)


def test_an_address_is_of_one_trunk_or_carrier(provided):
    change(provided, trunks.add, by_address("plant", "198.51.100.0/28"), None)
    for function, arguments in (
        (trunks.add, (by_address("shed", "198.51.100.0/24"), None)),
        (trunks.add, (by_address("shed", "192.0.2.10"), None)),  # the carrier's server
        (carriers.add, (carrier("two", match=(ip_network("198.51.100.3"),)),)),
        (carriers.add, (carrier("two", server="198.51.100.3:5060"),)),
    ):
        with pytest.raises(InvalidInput, match="overlaps"):
            change(provided, function, *arguments)
    with pytest.raises(InvalidInput, match=r"overlaps 198\.51\.100\.0/28 of trunk plant"):
        change(provided, carriers.change, "one", match=(ip_network("198.51.100.3"),))
    assert [one.name for one in read(provided, trunks.every)] == ["acme-paris", "plant"]
    assert [one.name for one in read(provided, carriers.every)] == ["one"]


def test_what_only_restricts_a_registered_trunk_may_overlap(provided):
    change(provided, trunks.add, by_address("plant", "198.51.100.0/28"), None)
    changed = change(provided, trunks.change, "acme-paris", addresses=(OFFICE,))
    assert changed.addresses == (OFFICE,)


def test_an_ended_trunk_has_no_addresses_until_it_is_opened_again(provided):
    change(provided, trunks.add, by_address("plant", "198.51.100.0/28"), None)
    change(provided, trunks.change, "plant", ended=True)
    change(provided, trunks.add, by_address("shed", "198.51.100.0/24"), None)
    change(provided, trunks.change, "plant", channels=9, addresses=(OFFICE,))
    with pytest.raises(InvalidInput, match=r"trunk plant: 198\.51\.100\.0/28 overlaps"):
        change(provided, trunks.change, "plant", ended=False)
    change(provided, trunks.change, "shed", addresses=(ip_network("203.0.113.0/24"),))
    assert not change(provided, trunks.change, "plant", ended=False).ended


def test_an_overlap_from_before_does_not_stand_in_the_way_of_other_changes(provided):
    change(provided, trunks.add, by_address("plant", "198.51.100.0/28"), None)
    change(provided, trunks.add, by_address("shed", "203.0.113.1"), None)
    with transaction(provided) as connection:
        overlapping = update(trunk_table).where(trunk_table.c.name == "shed")
        connection.execute(overlapping.values(addresses="198.51.100.1"))
    assert change(provided, trunks.change, "shed", channels=9).channels == 9
    assert change(provided, trunks.change, "shed", ended=True).ended


def test_of_two_commands_at_once_one_gets_the_address(provided):
    both = Barrier(2)

    def claim(name: str) -> str:
        with transaction(provided) as connection:
            if provided.dialect.name != "sqlite":  # which lets the second in after the first
                both.wait(5)
            try:
                trunks.add(connection, BY, by_address(name, "198.51.100.0/28"), None)
            except InvalidInput:
                return "refused"
            return "stored"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(claim, ("plant", "shed"))) == ["refused", "stored"]
