"""`siptrunk pbx`."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from asterisk_siptrunk.call import RegistrationChange
from asterisk_siptrunk.database import usage
from asterisk_siptrunk.database.engine import open_engine, transaction
from tests.unit.cli.records import NOON


def the_list(acme):
    return {one["name"]: one for one in acme.json("pbx", "list")}


def test_the_list_that_ships_and_what_is_registered(acme, sqlite_url):
    engine = open_engine(sqlite_url)
    change = RegistrationChange("acme-paris", True, NOON, "192.0.2.7:5060", "FPBX-16")  # noqa: FBT003
    with transaction(engine) as connection:
        usage.note_registrations(connection, "lab", [change])
    engine.dispose()
    found = the_list(acme)
    assert [one["registered"] for one in found.values()] == [0, 0, 0, 1]
    assert found["FreePBX (chan_pjsip)"] == {
        "name": "FreePBX (chan_pjsip)",
        "agent": "FPBX-",
        "state": "works",
        "changed_on": "2026-11-24",
        "registered": 1,
        "settings": "freepbx",
        "note": "It is an Asterisk within; the ready settings say what to fill in.",
    }


def test_add_set_and_remove(acme):
    today = datetime.now(ZoneInfo("Europe/Paris")).date()
    acme("pbx", "add", "Wildix", "--agent", "Wildix", "--settings", "generic")
    assert the_list(acme)["Wildix"]["state"] == "works"
    acme("pbx", "set", "Wildix", "--state", "unsupported", "--note", "No DTMF.")
    one = the_list(acme)["Wildix"]
    assert (one["state"], one["note"], one["agent"]) == ("unsupported", "No DTMF.", "Wildix")
    assert "off the list" in acme("pbx", "remove", "Wildix", "--note", "It is gone.").stderr
    one = the_list(acme)["Wildix"]
    assert (one["state"], one["note"]) == ("removed", "It is gone.")
    assert abs((datetime.fromisoformat(one["changed_on"]).date() - today).days) <= 1
    acme("pbx", "set", "Wildix", "--state", "tested")
    assert the_list(acme)["Wildix"]["state"] == "tested"
    changes = [each["change"] for each in acme.json("pbx", "history", "Wildix")]
    assert changes == [
        "state: removed → tested",
        "state: unsupported → removed, note: No DTMF. → It is gone.",
        "state: works → unsupported, note: none → No DTMF.",
        "added as works",
    ]


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        (("set", "3CX"), "Nothing to set", 2),
        (("set", "no", "--note", "x"), "There is no PBX 'no'", 1),
        (("set", "3CX", "--state", "removed"), "'removed' is not one of", 2),
        (("remove", "3CX"), "--note", 2),
        (("add", "3CX"), "There is a PBX '3CX' on the list already", 1),
        (("add", "x" * 81), "up to 80 characters", 1),
    ],
)
def test_what_cannot_be_is_refused(acme, words, said, status):
    before = the_list(acme)
    assert said in acme("pbx", *words, fails=status).stderr
    assert the_list(acme) == before
