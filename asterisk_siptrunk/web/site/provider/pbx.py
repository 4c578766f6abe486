"""The PBXs that customers may use."""

from collections import Counter

from starlette.responses import Response

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import pbxs
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk.pbx import Pbx, PbxState, pbx_of
from asterisk_siptrunk.web.given import choice
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.connect import PBX_KINDS
from asterisk_siptrunk.web.view import View

PAGES = Pages()
_MOST_UNKNOWN = 20
_STATES = {state.value: state for state in PbxState}


@PAGES.get("/provider/pbx", Right.SEE_ALL)
def pbx_list(view: View) -> Response:
    """The list, who uses what, and what is used that is not on it."""
    with view.reading() as connection:
        listed = pbxs.listed(connection)
        used = pbxs.in_use(connection)
    known: Counter[str] = Counter()
    unknown: Counter[str] = Counter()
    for one in used:
        found = pbx_of(listed, one.user_agent)
        if found is None:
            unknown[one.user_agent] += 1
        else:
            known[found.name] += 1
    return view.page(
        "provider/pbx.html",
        listed=listed,
        known=known,
        unknown=unknown.most_common(_MOST_UNKNOWN),
        states=tuple(PbxState),
        kinds=PBX_KINDS,
    )


@PAGES.post("/provider/pbx", Right.RUN)
def add_pbx(view: View) -> Response:
    """Put a PBX on the list."""
    name, state = view.field("name"), choice(view, "state", _STATES)
    said = {key: view.field(key) for key in ("agent", "note", "settings")}
    new = Pbx(name=name, state=state, changed_on=view.house.today, **_checked(view, said))
    with view.changing() as (connection, by):
        pbxs.add(connection, by, bootstrap.business(view.house.settings), new)
    return view.go("/provider/pbx", view.say("%(pbx)s is on the list.", pbx=name))


@PAGES.post("/provider/pbx/change", Right.RUN)
def change_pbx(view: View) -> Response:
    """Change how a PBX stands; customers whose PBX is no longer recommended are told."""
    name, state = view.field("name"), choice(view, "state", _STATES)
    said = {key: view.field(key) for key in ("agent", "note", "settings")}
    if not state.is_recommended and not said["note"]:
        raise InvalidInput(view.say("Say why in the note: customers whose PBX it is read it."))
    values = {"state": state, **_checked(view, said)}
    with view.changing() as (connection, by):
        business = bootstrap.business(view.house.settings)
        pbxs.change(connection, by, business, name, view.house.today, **values)
    return view.go("/provider/pbx", view.say("%(pbx)s was changed.", pbx=name))


def _checked(view: View, said: dict[str, str]) -> dict[str, str]:
    if said["settings"] and said["settings"] not in PBX_KINDS:
        raise InvalidInput(view.say("There are no such ready settings."))
    return said
