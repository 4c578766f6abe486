"""Connecting a PBX: credentials, ready settings, registration, and a test that watches."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from starlette.responses import Response

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import calls, connecting, pbxs, rollout, servers, trunks
from asterisk_siptrunk.call.server import ServerRecord, ServerState
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import Trunk, TrunkKind
from asterisk_siptrunk.trunk.addresses import parse_network
from asterisk_siptrunk.trunk.pbx import Pbx, pbx_of
from asterisk_siptrunk.web.given import choice
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

if TYPE_CHECKING:
    from sqlalchemy import Connection

PAGES = Pages()
TEST_SECONDS = 120
"""How long a test watches: a PBX registers again within that time of being told to."""
GRACES = {"0": timedelta(0), "1h": timedelta(hours=1), "24h": timedelta(days=1)} | {
    "7d": timedelta(days=7)
}
"""How long the secret before may work on; a day is what most need to find the PBX's password."""
USUAL_GRACE = "24h"
PBX_KINDS = {"generic": "", "asterisk": "Asterisk", "freepbx": "FreePBX", "3cx": "3CX"}
"""As `bootstrap.pbx_settings` takes them, with the names that need no translation."""
_MOST_NETWORKS = 50
_NUMBER = re.compile(r"[0-9]{1,11}", re.ASCII)


@PAGES.get("/trunks/{trunk}/connect", Right.SEE)
def connect(view: View, trunk: str) -> Response:
    """All that somebody needs who connects a PBX."""
    with view.reading() as connection:
        one = view.trunk(connection, trunk)
        registered = calls.registrations(connection, [one.id])
        listed = pbxs.listed(connection)
        credentials = trunks.credentials_of(connection, trunk)
        grace = trunks.grace_of(connection, trunk)
        applied_now = _applied(connection, 0)
    used = [(each, pbx_of(listed, each.user_agent)) for each in registered]
    kind = _wanted_kind(view, [found for each, found in used if each.registered])
    return view.page(
        "connect.html",
        trunk=one,
        used=used,
        listed=listed,
        own={found.name for each, found in used if each.registered and found},
        kind=kind,
        kinds=PBX_KINDS,
        settings=_settings(view, one, kind),
        graces=GRACES,
        usual_grace=USUAL_GRACE,
        server=_server(view, one),
        credentials=credentials,
        grace=grace,
        applied=applied_now,
    )


@PAGES.get("/trunks/{trunk}/connect/settings", Right.SEE)
def settings(view: View, trunk: str) -> Response:
    """Ready settings for one kind of PBX."""
    with view.reading() as connection:
        one = view.trunk(connection, trunk)
    kind = _wanted_kind(view, [])
    text = _settings(view, one, kind)
    return view.page("part/connect_settings.html", trunk=one, kind=kind, settings=text)


@PAGES.post("/trunks/{trunk}/connect/credentials", Right.MANAGE, confirmed=True)
def rotate(view: View, trunk: str) -> Response:
    """Replace the secret, and show the new one, this once."""
    grace = choice(view, "grace", GRACES)
    credentials, secret = bootstrap.issue_credentials(view.house.settings, trunk)
    with view.changing() as (connection, by):
        one = _registering(view, trunks.in_force(connection, trunk))
        number = rollout.ask(connection)
        trunks.set_credentials(connection, by, trunk, credentials, grace)
        kept = trunks.grace_of(connection, trunk)
    with view.reading() as connection:
        applied = _applied(connection, number)
    answer = view.page(
        "connect_secret.html",
        trunk=one,
        credentials=credentials,
        secret=secret,
        grace=kept,
        applied=applied,
        server=_server(view, one),
    )
    # No cache and no history may keep what is shown once.
    answer.headers["Cache-Control"] = "no-store"
    return answer


@PAGES.post("/trunks/{trunk}/connect/addresses", Right.MANAGE, confirmed=True)
def restrict(view: View, trunk: str) -> Response:
    """Say from which addresses the PBX may come; none said are all."""
    networks = tuple(map(parse_network, view.field("addresses").replace(",", " ").split()))
    if len(networks) > _MOST_NETWORKS:
        raise InvalidInput(view.say("Give %(most)s networks at most.", most=_MOST_NETWORKS))
    with view.changing() as (connection, by):
        _registering(view, trunks.in_force(connection, trunk))
        rollout.ask(connection)
        trunks.change(connection, by, trunk, addresses=networks)
    said = view.say("The addresses were changed; the servers follow within seconds.")
    return view.go(f"/trunks/{trunk}/connect", said)


@PAGES.get("/trunks/{trunk}/connect/applied", Right.SEE)
def applied(view: View, trunk: str) -> Response:
    """Whether all servers go by what was changed."""
    with view.reading() as connection:
        one = view.trunk(connection, trunk)
        state = _applied(connection, _number(view, "number"))
    if _is_known(view, state.mark):
        return _nothing_new()
    return view.page("part/connect_applied.html", trunk=one, applied=state)


@PAGES.get("/trunks/{trunk}/connect/test", Right.SEE)
def watch_pbx(view: View, trunk: str) -> Response:
    """Watch for what the PBX does next, and say what is wrong with it."""
    now = view.house.now()
    since = _since(view, now)
    with view.reading() as connection:
        one = view.trunk(connection, trunk)
        seen = connecting.seen_since(connection, one, since)
        registered = [each for each in calls.registrations(connection, [one.id]) if each.registered]
        listed = pbxs.listed(connection)
    over = now - since >= timedelta(seconds=TEST_SECONDS)
    newest = seen[0].at.timestamp() if seen else 0
    mark = f"{len(seen)}-{newest:.0f}-{over:d}"
    if _is_known(view, mark):
        return _nothing_new()
    part = "hx-request" in view.request.headers
    return view.page(
        "part/connect_test.html" if part else "connect_test.html",
        trunk=one,
        mark=mark,
        since=int(since.timestamp()),
        began=since,
        over=over,
        seen=[(each, _words(view, one, each, listed)) for each in seen],
        registered=registered,
    )


def _is_known(view: View, mark: str) -> bool:
    """Whether a part that asks for itself again shows this already."""
    return view.request.query_params.get("known") == mark


def _nothing_new() -> Response:
    """Leave a part as it is: swapped, it would be read out once more."""
    return Response(headers={"HX-Reswap": "none"})


# --- credentials ---


def _registering(view: View, one: Trunk) -> Trunk:
    if one.kind is not TrunkKind.REGISTERED:
        raise InvalidInput(
            view.say("Trunk %(name)s does not register: it is known by its address.", name=one.name)
        )
    return one


@dataclass(frozen=True, slots=True)
class Applied:
    """How far the servers follow an apply.

    Attributes:
        number: of the apply that is asked about; 0 for the newest.
        done, waiting, failed: names of servers; those that give no sign of life are in none.
    """

    number: int
    done: tuple[str, ...]
    waiting: tuple[str, ...]
    failed: tuple[str, ...]

    @property
    def mark(self) -> str:
        """Another one whenever another thing is said."""
        return f"{len(self.done)}-{len(self.waiting)}-{len(self.failed)}"


def _applied(connection: "Connection", number: int) -> Applied:
    serving = [one for one in servers.every(connection) if one.state is ServerState.SERVING]
    lacking = [one for one in serving if not _follows(one, number)]
    return Applied(
        number,
        done=tuple(one.name for one in serving if one not in lacking),
        waiting=tuple(one.name for one in lacking if not one.config_error),
        failed=tuple(one.name for one in lacking if one.config_error),
    )


def _follows(one: ServerRecord, number: int) -> bool:
    return one.config_applied >= number if number else one.follows


def _number(view: View, name: str) -> int:
    text = view.request.query_params.get(name, "")
    return int(text) if _NUMBER.fullmatch(text) else 0


# --- settings ---


def _wanted_kind(view: View, used: Iterable[Pbx | None]) -> str:
    """The kind of settings that was asked for, else those that suit the PBX that is there."""
    asked = view.request.query_params.get("pbx", "")
    suits = [asked, *(one.settings for one in used if one is not None)]
    return next((kind for kind in suits if kind in PBX_KINDS), next(iter(PBX_KINDS)))


def _settings(view: View, one: Trunk, kind: str) -> str:
    """What goes into the PBX; "" where none connects to the trunk."""
    if one.kind is TrunkKind.LOCAL:
        return ""
    return bootstrap.pbx_settings(view.house.settings, one, None, kind)


def _server(view: View, one: Trunk) -> str:
    """Where the PBX finds us, as "host:port"; "" where the provider has not said yet."""
    if not view.house.settings.asterisk.address:
        return ""
    host, port = bootstrap.sip_server(view.house.settings, one)
    return f"{host}:{port}"


# --- the test ---


def _since(view: View, now: datetime) -> datetime:
    """When the test began that goes on; now, where it begins."""
    began = datetime.fromtimestamp(_number(view, "since"), UTC)
    is_running = now - timedelta(seconds=2 * TEST_SECONDS) <= began <= now
    return began if is_running else now.replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class Said:
    """What something that was seen means: `look` is good, warn or bad; `advice` may be ""."""

    look: str
    sentence: str
    advice: str = ""


def _words(view: View, one: Trunk, seen: connecting.Seen, listed: Iterable[Pbx]) -> Said:
    match seen.sign:
        case connecting.Sign.REGISTERED:
            return _registered(view, seen, listed)
        case connecting.Sign.GONE:
            return Said("warn", view.say("The PBX is registered no more."))
        case connecting.Sign.UNKNOWN:
            return _unknown(view, one, seen)
        case connecting.Sign.CALL_PASSED | connecting.Sign.CALL_REFUSED:
            return _of_call(view, seen)
        case _:
            return _refused(view, seen)


def _refused(view: View, seen: connecting.Seen) -> Said:
    say, source = view.say, seen.source
    if seen.sign is connecting.Sign.PASSWORD:
        advice = say("The user name is right. Enter the password again, without spaces around it.")
        return Said("bad", say("Wrong password, from %(source)s.", source=source), advice)
    if seen.sign is connecting.Sign.ADDRESS:
        sentence = say("%(source)s is not one of the allowed addresses.", source=source)
        return Said("bad", sentence, say("If it is your PBX's, add it to them, below."))
    sentence = say("A request from %(source)s was refused.", source=source)
    return Said("bad", sentence, say("It asked for what no trunk does, such as a subscription."))


def _registered(view: View, seen: connecting.Seen, listed: Iterable[Pbx]) -> Said:
    say, agent = view.say, seen.user_agent
    sentence = say("Registered from %(source)s.", source=seen.source)
    if agent:
        sentence = say("Registered from %(source)s by %(agent)s.", source=seen.source, agent=agent)
    found = pbx_of(listed, agent)
    if found is not None and not found.state.is_recommended:
        advice = say("%(pbx)s is on the list as one that nobody helps with.", pbx=found.name)
        return Said("warn", sentence, advice)
    return Said("good", sentence, say("Now make a call to see it pass."))


def _unknown(view: View, one: Trunk, seen: connecting.Seen) -> Said:
    say, account, right = view.say, seen.account, f"trunk-{one.name}"
    sentence = say("Unknown user name %(name)s, from %(source)s.", name=account, source=seen.source)
    if one.kind is not TrunkKind.REGISTERED:
        return Said(
            "bad", sentence, say("The PBX is known by its address alone: let it not register.")
        )
    if account == right:
        return Said("bad", sentence, say("The trunk is not on the servers yet: wait a little."))
    return Said("bad", sentence, say("The user name is %(name)s.", name=right))


def _of_call(view: View, seen: connecting.Seen) -> Said:
    say, call = view.say, seen.call
    callee = (call.callee or call.dialled) if call else ""
    if seen.sign is connecting.Sign.CALL_PASSED:
        return Said("good", say("A call to %(number)s passed.", number=callee))
    sentence = say("A call to %(number)s was refused.", number=callee)
    return Said("bad", sentence, say(call.reason.sentence) if call else "")
