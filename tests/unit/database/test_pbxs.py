"""The list of PBXs, and who is told when one leaves it: on SQLite and on PostgreSQL."""

from dataclasses import replace
from datetime import date

import pytest

from asterisk_siptrunk.call import RegistrationChange
from asterisk_siptrunk.database import audit, customers, notices, pbxs, trunks, usage
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.errors import AlreadyExists, InvalidInput, NotFound
from asterisk_siptrunk.notice.model import Way, Ways
from asterisk_siptrunk.trunk.pbx import Pbx, PbxState, shipped_pbxs
from tests.unit.database.builders import BY, NOON, provide, trunk
from tests.unit.database.shop import BUSINESS

TOLD = Business(BUSINESS.office, Ways(mail=True, webhook=False))
TODAY = date(2026, 12, 1)
OLD_3CX = Pbx("3CX 16", "3CXPhoneSystem 16", PbxState.UNSUPPORTED, "Too old.", "3cx", TODAY)


@pytest.fixture
def used(engine):
    """Of acme's three trunks two are registered by a 3CX and one by a FreePBX."""
    provide(engine)
    with transaction(engine) as connection:
        customers.change(connection, BY, "acme", email="voice@acme.example")
        for name in ("acme-lyon", "acme-nice"):
            trunks.add(connection, BY, trunk(name), None)
    for name, agent in (
        ("acme-paris", "3CXPhoneSystem 16.0"),
        ("acme-lyon", "3CXPhoneSystem 20.0"),
        ("acme-nice", "FPBX-16"),
    ):
        register(engine, name, agent)
    return engine


def register(engine, name, agent, *, registered=True):
    contact = "192.0.2.7:5060" if registered else ""
    told = RegistrationChange(name, registered, NOON, contact, agent)
    with transaction(engine) as connection:
        usage.note_registrations(connection, "lab", [told])


def change(engine, name, **values):
    with transaction(engine) as connection:
        return pbxs.change(connection, BY, TOLD, name, TODAY, **values)


def told(engine):
    """The trunks and states that were told of since, in order."""
    with transaction(engine) as connection:
        found = []
        while claimed := notices.claim(connection, Way.MAIL, NOON):
            facts = claimed.notice.facts
            assert claimed.notice.target.address == "voice@acme.example"
            found.append((claimed.notice.kind, facts["trunk"], facts["state"]))
    return found


def listed(engine):
    with reading(engine) as connection:
        return {one.name: one for one in pbxs.listed(connection)}


def test_the_shipped_list_is_stored_once(engine):
    assert set(listed(engine).values()) == set(shipped_pbxs())
    change(engine, "3CX", note="Another one.")
    with transaction(engine) as connection:
        pbxs.store_shipped(connection)
    assert listed(engine)["3CX"].note == "Another one."


def test_customers_whose_pbx_leaves_the_list_are_told_once(used):
    change(used, "3CX", state=PbxState.REMOVED, note="Its maker is gone.")
    assert told(used) == [
        ("pbx-unsupported", "acme-lyon", "removed"),
        ("pbx-unsupported", "acme-paris", "removed"),
    ]
    change(used, "3CX", note="Its maker is gone since November.")
    change(used, "3CX", state=PbxState.REMOVED)
    assert told(used) == []
    assert listed(used)["3CX"].changed_on == TODAY


def test_what_they_are_told(used):
    change(used, "FreePBX (chan_pjsip)", state=PbxState.UNSUPPORTED, note="")
    with transaction(used) as connection:
        claimed = notices.claim(connection, Way.MAIL, NOON)
    assert claimed is not None
    assert claimed.notice.facts == {
        "customer": "Acme SA",
        "trunk": "acme-nice",
        "pbx": "FreePBX (chan_pjsip)",
        "agent": "FPBX-16",
        "state": "unsupported",
        "since": "2026-12-01",
        "reason": "The provider has given no reason.",
    }


def test_one_that_gets_worse_is_told_again_and_one_that_comes_back_is_not(used):
    change(used, "3CX", state=PbxState.UNSUPPORTED)
    assert len(told(used)) == 2
    change(used, "3CX", state=PbxState.REMOVED)
    assert len(told(used)) == 2
    change(used, "3CX", state=PbxState.WORKS)
    assert told(used) == []


def test_whoever_is_not_registered_is_not_told(used):
    register(used, "acme-lyon", "", registered=False)
    change(used, "3CX", state=PbxState.REMOVED)
    assert [name for _, name, _ in told(used)] == ["acme-paris"]


def test_a_version_that_is_put_on_the_list_as_unsupported_is_told_of(used):
    with transaction(used) as connection:
        pbxs.add(connection, BY, TOLD, OLD_3CX)
    assert told(used) == [("pbx-unsupported", "acme-paris", "unsupported")]
    change(used, "3CX", state=PbxState.REMOVED)
    assert [name for _, name, _ in told(used)] == ["acme-lyon"]


def test_a_notice_is_told_with_the_change_or_not_at_all(used):
    def change_and_fail():
        with transaction(used) as connection:
            pbxs.change(connection, BY, TOLD, "3CX", TODAY, state=PbxState.REMOVED)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        change_and_fail()
    assert told(used) == []
    assert listed(used)["3CX"].state is PbxState.WORKS


def test_a_state_that_stays_keeps_its_date(engine):
    before = listed(engine)["3CX"]
    assert change(engine, "3CX", agent="3CX") == replace(before, agent="3CX")
    assert change(engine, "3CX", state=PbxState.TESTED).changed_on == TODAY
    with reading(engine) as connection:
        assert [one.change for one in audit.history(connection, "pbx", "3CX")] == [
            "state: works → tested",
            "agent: 3CXPhoneSystem → 3CX",
        ]


def test_what_is_not_there_or_there_already(engine):
    with transaction(engine) as connection:
        with pytest.raises(NotFound, match="no PBX 'x' on the list"):
            pbxs.change(connection, BY, TOLD, "x", TODAY, note="")
        with pytest.raises(AlreadyExists, match="'siptrunk pbx set'"):
            pbxs.add(connection, BY, TOLD, replace(OLD_3CX, name="3CX"))
        with pytest.raises(InvalidInput, match="one line"):
            pbxs.change(connection, BY, TOLD, "3CX", TODAY, note="a\nb")
