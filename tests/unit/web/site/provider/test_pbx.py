"""The provider's list of PBXs."""

import pytest

from asterisk_siptrunk.database import pbxs
from asterisk_siptrunk.database.engine import reading
from asterisk_siptrunk.trunk.pbx import PbxState
from tests.unit.web.site.test_connect import registers, text_of

PAGE = "/provider/pbx"
GONE = {
    "name": "3CX",
    "agent": "3CXPhoneSystem",
    "settings": "3cx",
    "state": "removed",
    "note": "Its maker is gone.",
}


def of(house, name):
    with reading(house.engine) as connection:
        return pbxs.get(connection, name)


def test_who_uses_what(provider, house):
    registers(house, agent="FPBX-16")
    registers(house, agent="Homegrown 1", trunk="bolt-paris")
    page = text_of(provider.get(PAGE))
    assert "FreePBX (chan_pjsip) FPBX- works 24 November 2026 1" in page
    assert "3CX 3CXPhoneSystem works 24 November 2026 0" in page
    assert "Homegrown 1 1 time" in page


def test_one_is_added_and_changed(provider, house):
    new = {"name": "Wildix", "agent": "Wildix", "settings": "generic", "note": ""}
    assert provider.post(PAGE, state="works", **new).status_code == 303
    assert of(house, "Wildix").state is PbxState.WORKS
    assert provider.post(f"{PAGE}/change", **GONE).headers["location"] == PAGE
    found = of(house, "3CX")
    assert (found.state, found.changed_on.isoformat()) == (PbxState.REMOVED, "2025-11-24")
    assert "3CX 3CXPhoneSystem removed 24 November 2025 0 Its maker" in text_of(provider.get(PAGE))


@pytest.mark.parametrize(
    ("values", "status", "said"),
    [
        ({"state": "gone"}, 422, "out of date"),
        ({"note": ""}, 422, "Say why in the note"),
        ({"settings": "x"}, 422, "no such ready settings"),
        ({"name": "nobody"}, 404, "no PBX"),
        ({"agent": "x" * 81}, 422, "up to 80 characters"),
    ],
    ids=["state", "note", "settings", "name", "agent"],
)
def test_what_cannot_be_is_refused(provider, house, values, status, said):
    answer = provider.post(f"{PAGE}/change", **GONE | values)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert of(house, "3CX").state is PbxState.WORKS


def test_one_that_is_there_is_not_added_again(provider):
    answer = provider.post(PAGE, **GONE)
    assert (answer.status_code, "on the list already" in answer.text) == (409, True)


def test_who_may(admin, support, house):
    assert support.get(PAGE).status_code == 200
    assert "add-pbx" not in support.get(PAGE).text
    for browser, path in ((support, PAGE), (support, f"{PAGE}/change"), (admin, PAGE)):
        assert browser.post(path, **GONE).status_code == 403
    assert admin.get(PAGE).status_code == 403
    assert of(house, "3CX").state is PbxState.WORKS
