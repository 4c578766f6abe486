"""Servers: their health, and the configuration planned, applied and rolled back."""

from starlette.responses import Response

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import audit, rollout, servers
from asterisk_siptrunk.call.server import ServerRecord
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.site.provider import said
from asterisk_siptrunk.web.view import View

PAGES = Pages()
_HOME = "/provider/servers"


@PAGES.get("/provider/servers", Right.SEE_ALL)
def show_servers(view: View) -> Response:
    """Each server, as it told of itself last."""
    return _servers(view, "provider/servers.html")


@PAGES.get("/provider/servers/now", Right.SEE_ALL)
def servers_now(view: View) -> Response:
    """The same again, while one is still to follow."""
    return _servers(view, "provider/part/servers.html")


def _servers(view: View, template: str) -> Response:
    with view.reading() as connection:
        every = list(servers.every(connection))
    return view.page(
        template,
        servers=every,
        states=said.states(view),
        awaited=any(_is_awaited(one) for one in every),
        here=view.house.settings.asterisk.server,
    )


def _is_awaited(one: ServerRecord) -> bool:
    """Whether it lives, and has neither followed the newest apply nor told why it could not."""
    return not one.follows and not one.config_error and one.is_due(one.config_applied + 1)


@PAGES.get("/provider/servers/plan", Right.SEE_ALL)
def show_plan(view: View) -> Response:
    """What an apply would change on the server that this runs on."""
    change = bootstrap.planned(view.house.settings, view.house.engine)
    return _part(view, "provider/part/plan.html", view.say("What an apply would change"), change)


@PAGES.post("/provider/servers/apply", Right.RUN, confirmed=True)
def apply_configuration(view: View) -> Response:
    """Ask every server to go by what the database says now; each checks it, or goes back."""
    with view.changing() as (connection, by):
        if not list(servers.every(connection)):
            raise InvalidInput(view.say("There is no server that could apply anything."))
        number = rollout.ask(connection)
        audit.note(connection, by, "server", "all", f"asked to apply ({number})")
    sentence = view.say("All servers are asked to apply; what becomes of it is shown here.")
    return view.go(_HOME, sentence)


@PAGES.get("/provider/servers/back", Right.SEE_ALL)
def show_way_back(view: View) -> Response:
    """What going back would change on the server that this runs on."""
    change = bootstrap.way_back(view.house.settings)
    return _part(view, "provider/part/back.html", view.say("What going back would change"), change)


def _part(view: View, part: str, title: str, change: object) -> Response:
    """A part of the page of servers; a page of its own for whoever comes without htmx."""
    alone = "hx-request" not in view.request.headers
    template = "provider/alone.html" if alone else part
    return view.page(template, part=part, title=title, change=change)


@PAGES.post("/provider/servers/rollback", Right.RUN, confirmed=True)
def roll_back_configuration(view: View) -> Response:
    """Have the Asterisk beside this go back a generation; others keep what they have."""
    wanted = view.field("generation")
    change = bootstrap.way_back(view.house.settings)
    if change is None or change.generation != wanted:
        raise InvalidInput(view.say("What there is to go back to has changed: look at it again."))
    made, notes = bootstrap.roll_back(view.house.settings, view.house.engine)
    server = view.house.settings.asterisk.server
    with view.changing() as (connection, by):
        audit.note(connection, by, "server", server, f"rolled back to generation {made}")
    sentence = view.say("Rolled back: Asterisk has generation %(generation)s.", generation=made)
    return view.go(_HOME, " ".join([sentence, *notes]))


@PAGES.post("/provider/servers/{server}/remove", Right.RUN, confirmed=True)
def remove_server(view: View, server: str) -> Response:
    """Forget one that is gone for good: nothing is kept free for it any more."""
    if view.field("typed") != server:
        raise InvalidInput(view.say("Type the name %(name)s to say that you mean it.", name=server))
    with view.changing() as (connection, by):
        servers.remove(connection, by, server)
    return view.go(_HOME, view.say("Server %(name)s removed.", name=server))
