"""What somebody wants to order, made into a quote: of a first order, a raise, or a cut."""

from dataclasses import dataclass

from sqlalchemy import Connection

from asterisk_siptrunk.billing.catalogue import Catalogue
from asterisk_siptrunk.billing.order import NewTrunk
from asterisk_siptrunk.billing.period import first_moment
from asterisk_siptrunk.billing.quote import Asking, Quote, quote_cut, quote_first, quote_raise
from asterisk_siptrunk.billing.subscription import HeldNumber, HeldOption, Subscription, holding
from asterisk_siptrunk.billing.terms import terms
from asterisk_siptrunk.database import customers, subscriptions, trunks
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.orders import Wish
from asterisk_siptrunk.database.provider import hold
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import Trunk, parse_trunk_name


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    Attributes:
        channels: to be used at once; below what a trunk begins its next period with, a cut.
        customer, country, numbers: of a trunk that is not there yet.
        offer, plan, options: of a first order; None is the catalogue's only offer, or the plan's.
    """

    trunk: str
    channels: int
    customer: str | None = None
    offer: str | None = None
    plan: str | None = None
    options: tuple[str, ...] = ()
    country: str = ""
    numbers: tuple[str, ...] = ()


class Counter:
    """Where customers ask: quotes what they want, in one transaction, and writes nothing.

    Until that ends nobody else orders or pays: the quote is true when its order is placed.
    """

    def __init__(self, connection: Connection, by: By, business: Business) -> None:
        self._connection = connection
        self._by = by
        self._business = business
        self._ground = subscriptions.ground(connection, business.office.zone)

    def quoted(self, request: Request) -> Wish:
        """Quote a request.

        Raises:
            InvalidInput: it cannot be had like that, and why.
            NotFound: a customer, an offer or the like that it names is not there.
            AlreadyExists: a number of the new trunk is another one's.
        """
        hold(self._connection)
        there = trunks.find(self._connection, request.trunk)
        if there is None:
            owner, new = self._owner_of_new(request), self._new_trunk(request)
            return self._first(request, owner, new, request.numbers)
        self._require_fit(request, there)
        if subscriptions.is_subscribed(self._connection, there.id):
            return self._change(request, there)
        return self._first(request, there.customer, None, there.numbers, there.reserved_inbound)

    def _require_fit(self, request: Request, there: Trunk) -> None:
        if there.ended:
            raise InvalidInput(
                f"Trunk {there.name} has ended, and its calls keep the name: choose another."
            )
        if request.customer not in {None, there.customer}:
            raise InvalidInput(
                f"Trunk {there.name} is {there.customer}'s, not {request.customer}'s."
            )
        if request.numbers or request.country:
            raise InvalidInput(
                f"Trunk {there.name} is there already: 'siptrunk number add' gives it numbers, "
                "'siptrunk trunk set' another country."
            )

    def _change(self, request: Request, there: Trunk) -> Wish:
        if request.offer or request.plan or request.options:
            raise InvalidInput(
                f"Trunk {there.name} has a subscription, and an order changes its channels alone: "
                "'siptrunk subscription add-option' is for options."
            )
        agreed = subscriptions.locked(self._connection, self._by, there.name, self._ground.zone)
        asking = self._asking(there.customer, there.reserved_inbound)
        has = holding(agreed, self._by.at, self._ground)
        quote = quote_raise if request.channels > has.usable else quote_cut
        return self._wish(agreed, quote(agreed, request.channels, asking, self._ground), None)

    def _owner_of_new(self, request: Request) -> str:
        parse_trunk_name(request.trunk)
        if request.customer is None:
            raise InvalidInput(
                f"There is no trunk {request.trunk}: say whose it is to be (--customer)."
            )
        return customers.get(self._connection, request.customer).name

    def _new_trunk(self, request: Request) -> NewTrunk:
        for e164 in request.numbers:
            trunks.refuse_taken(self._connection, e164)
            if request.numbers.count(e164) > 1:
                raise InvalidInput(f"Number {e164} is given twice: a trunk has each of them once.")
        country = request.country or self._business.office.seller.country
        return NewTrunk(country, request.numbers)

    def _first(
        self,
        request: Request,
        owner: str,
        new: NewTrunk | None,
        numbers: tuple[str, ...],
        reserved_inbound: int = 0,
    ) -> Wish:
        today = self._ground.day_of(self._by.at)
        catalogue = self._ground.catalogue_on(today)
        offer = request.offer or _offer(catalogue, request.plan)
        agreed = Subscription(
            id=0,
            trunk=request.trunk,
            customer=owner,
            offer=offer,
            plan=request.plan,
            currency=catalogue.currency,
            period=terms(catalogue, offer, request.plan).period,
            began=today,
            options=tuple(HeldOption(name, today) for name in request.options),
            numbers=tuple(HeldNumber(e164, today) for e164 in numbers),
        )
        asking = self._asking(owner, reserved_inbound)
        return self._wish(agreed, quote_first(agreed, request.channels, asking, self._ground), new)

    def _asking(self, customer: str, reserved_inbound: int) -> Asking:
        who = customers.get(self._connection, customer)
        return Asking(self._by.at, self._business.percent_of(who), reserved_inbound)

    def _wish(self, agreed: Subscription, quote: Quote, new: NewTrunk | None) -> Wish:
        """Its price is that of the days left of its period: it holds no longer than that one."""
        over = first_moment(quote.next.first, self._ground.zone)
        expires_at = min(self._by.at + self._business.office.order_time, over)
        return Wish(agreed, quote, expires_at, new)


def _offer(catalogue: Catalogue, plan: str | None) -> str:
    if plan is not None:
        return catalogue.plan(plan).offer
    if len(catalogue.offers) != 1:
        raise InvalidInput(f"Say which offer (--offer): {', '.join(catalogue.offers) or 'none'}.")
    return next(iter(catalogue.offers))
