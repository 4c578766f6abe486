"""Carriers, and how well each one's calls go."""

from datetime import timedelta

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import carriers, occupancy, quality
from asterisk_siptrunk.trunk import HIGHEST_PRIORITY, HIGHEST_WEIGHT, MOST_CARRIER_CHANNELS
from asterisk_siptrunk.web.given import asked, whole, whole_or_none
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.provider import said
from asterisk_siptrunk.web.view import View

PAGES = Pages()
_SPANS = {
    "quarter": timedelta(minutes=15),
    "hour": timedelta(hours=1),
    "day": timedelta(days=1),
}


@PAGES.get("/provider/carriers", Right.SEE_ALL)
def show_carriers(view: View) -> Response:
    """The carriers, with how calls went in a while."""
    span = asked(view, "span")
    span = span if span in _SPANS else "quarter"
    with view.reading() as connection:
        found = quality.by_carrier(connection, view.house.now() - _SPANS[span])
        every = carriers.every(connection)
        in_use = occupancy.carriers_in_use(connection)
    return view.page(
        "provider/carriers.html",
        carriers=every,
        in_use=in_use,
        quality=found,
        parties=said.parties(view),
        span=span,
        spans={
            "quarter": view.say("15 minutes"),
            "hour": view.say("an hour"),
            "day": view.say("a day"),
        },
    )


@PAGES.get("/provider/carriers/{carrier}", Right.SEE_ALL)
def show_carrier(view: View, carrier: str) -> Response:
    """One carrier, and the form that changes it."""
    with view.reading() as connection:
        found = carriers.get(connection, carrier)
    return view.page(
        "provider/carrier.html",
        carrier=found,
        bounds=(HIGHEST_PRIORITY, HIGHEST_WEIGHT, MOST_CARRIER_CHANNELS),
    )


@PAGES.post("/provider/carriers/{carrier}", Right.RUN)
def change_carrier(view: View, carrier: str) -> Response:
    """Change which calls it gets."""
    values = {
        "priority": whole(view, "priority", 0, HIGHEST_PRIORITY),
        "weight": whole(view, "weight", 1, HIGHEST_WEIGHT),
        "channels": whole_or_none(view, "channels", 1, MOST_CARRIER_CHANNELS),
        "enabled": view.field("enabled") == "yes",
    }
    with view.changing() as (connection, by):
        before = carriers.get(connection, carrier)
        changed = {key: value for key, value in values.items() if getattr(before, key) != value}
        if changed:
            carriers.change(connection, by, carrier, **changed)
    if not changed:
        return view.go("/provider/carriers", view.say("Nothing was changed."))
    sentence = view.say("Carrier %(name)s is changed, from the next call on.", name=carrier)
    return view.go("/provider/carriers", sentence)
