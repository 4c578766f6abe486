"""`billing run`: what is due on a day, in its order, whoever asks for it.

It can be run as often as one likes, by several at once, and again after it was killed: what is
there already is left alone.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Engine

from asterisk_siptrunk.billing.dunning import Step
from asterisk_siptrunk.billing.invoicing import DueInvoice
from asterisk_siptrunk.call.verify import Period
from asterisk_siptrunk.database import dunning, orders, proofs, renewals, subscriptions
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.business import Business
from asterisk_siptrunk.database.engine import reading, transaction
from asterisk_siptrunk.database.renewals import Bill, Refusal, Renewal, Watch
from asterisk_siptrunk.errors import JournalUnreadable
from asterisk_siptrunk.proving import Prover


@dataclass(frozen=True, slots=True)
class Ears:
    """Who hears of a run: of the calls as a trunk's are rated, and of what is amiss."""

    rating: Callable[[str], AbstractContextManager[Watch]]
    amiss: Callable[[str], None]


class BillingRun:
    """One run for a day."""

    def __init__(
        self, engine: Engine, business: Business, prover: Prover, day: date, ears: Ears
    ) -> None:
        self._engine = engine
        self._business = business
        self._prover = prover
        self._day = day
        self._ears = ears

    def preview(self) -> Iterator[Bill | Refusal]:
        """What would be invoiced; nothing is written."""
        renewal = self._renewal()
        for one in self._due():
            with self._ears.rating(one.subscription.trunk) as watch:
                yield renewal.compute(one, watch)

    def bill(self) -> Iterator[Bill | Refusal]:
        """Close what was not paid in time, have cuts take effect, and write what is due."""
        with transaction(self._engine) as connection:
            orders.expire(connection, self._sign())
        self._turn()
        due = self._due()
        self._prove(due)
        renewal = self._renewal()
        for one in due:
            with self._ears.rating(one.subscription.trunk) as watch:
                done = renewal.write(one, watch)
            if done is not None:
                yield done

    def remind(self) -> Iterator[tuple[str, Step]]:
        """Take the steps that unpaid invoices have come to; gives their numbers."""
        with reading(self._engine) as connection:
            due = dunning.due(connection, self._business, self._day)
        for number, _ in due:
            with transaction(self._engine) as connection:
                step = dunning.remind(connection, self._sign(), self._business, number, self._day)
            if step is not Step.NONE:
                yield number, step

    def _sign(self) -> By:
        return self._prover.sign()

    def _renewal(self) -> Renewal:
        return Renewal(self._engine, self._sign(), self._business, self._day)

    def _due(self) -> list[DueInvoice]:
        with reading(self._engine) as connection:
            return renewals.due(connection, self._business, self._day)

    def _turn(self) -> None:
        """Each by itself: admissions wait for one of them at most."""
        with reading(self._engine) as connection:
            begun = subscriptions.to_turn(connection, self._sign().at)
        for one in begun:
            with transaction(self._engine) as connection:
                subscriptions.turn(connection, self._sign(), self._business, one)

    def _prove(self, due: Iterable[DueInvoice]) -> None:
        """Prove what is not proven yet of this server's usage, all at once: the journal is long."""
        zone, server = self._business.office.zone, self._prover.server
        with reading(self._engine) as connection:
            gaps = [
                gap
                for one in due
                for name, gap in proofs.missing(connection, one.over.span(zone)).items()
                if name == server
            ]
        if not gaps:
            return
        period = Period(min(one.since for one in gaps), max(one.until for one in gaps))
        try:
            found = self._prover.prove(period)
        except JournalUnreadable as error:
            self._ears.amiss(f"The usage of {server} is not proven: {error}")
            return
        if not found.is_complete:
            self._ears.amiss(
                f"The usage of {server} is not complete: {', '.join(found.objections)}. 'siptrunk "
                "usage verify' names the calls."
            )
