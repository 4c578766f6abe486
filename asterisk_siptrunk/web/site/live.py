"""What open pages listen to, each for the numbers of its own customer, or for all."""

from http import HTTPStatus

from starlette.responses import Response, StreamingResponse

from asterisk_siptrunk.account import Right, Session
from asterisk_siptrunk.account.secret import digest
from asterisk_siptrunk.web.guard import COOKIE
from asterisk_siptrunk.web.live import PROVIDER, Hub
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

PAGES = Pages()
_AGAIN_SECONDS = "30"
_HEADERS = {"X-Accel-Buffering": "no"}  # nginx would keep events until it has some kilobytes


@PAGES.get("/live/customers/{customer}", Right.SEE)
def live_customer(view: View, customer: str) -> Response:
    """The channels in use of a customer's trunks, as they change."""
    return _listen(view, customer, Right.SEE)


@PAGES.get("/live/provider", Right.SEE_ALL)
def live_provider(view: View) -> Response:
    """Those of all trunks, carriers and servers."""
    return _listen(view, PROVIDER, Right.SEE_ALL)


def _listen(view: View, audience: str, right: Right) -> Response:
    hub: Hub = view.request.app.state.live
    if hub.is_full(audience):
        again = {"Retry-After": _AGAIN_SECONDS}
        return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=again)

    def may(session: Session | None) -> bool:
        if session is None or not session.account.may(right):
            return False
        return session.account.role.of_provider or session.account.customer == audience

    events = hub.events(audience, digest(view.request.cookies[COOKIE]), may)
    return StreamingResponse(events, headers=_HEADERS, media_type="text/event-stream")
