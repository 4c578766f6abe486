"""Where one comes in: a customer's trunks, or the provider's wallboard."""

from starlette.responses import Response

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import calls, trunks
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

PAGES = Pages()


@PAGES.get("/", Right.SEE)
def start(view: View) -> Response:
    """Lead everybody to what is theirs."""
    customer = view.account.customer
    return view.go(f"/customers/{customer}" if customer else "/provider")


@PAGES.get("/customers/{customer}", Right.SEE)
def home(view: View, customer: str) -> Response:
    """A customer's trunks, as they are now."""
    with view.reading() as connection:
        own = [one for one in trunks.every(connection) if one.customer == customer]
        in_use = calls.in_use(connection)
    return view.page("home.html", customer=customer, trunks=own, in_use=in_use)
