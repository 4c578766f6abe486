"""How the provider does business: its terms, and who is told of what happens."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import Connection

from asterisk_siptrunk.billing.office import Office
from asterisk_siptrunk.database import notices
from asterisk_siptrunk.database.audit import By
from asterisk_siptrunk.database.customers import Customer
from asterisk_siptrunk.notice.kind import Fact, NoticeKind
from asterisk_siptrunk.notice.model import Ways


@dataclass(frozen=True, slots=True)
class Business:
    """What orders, invoices and payments are done by."""

    office: Office
    ways: Ways

    def tell(
        self,
        connection: Connection,
        by: By,
        who: Customer,
        kind: NoticeKind,
        **facts: Fact | Decimal | date,
    ) -> None:
        """Tell a customer, and the provider's own systems, once this transaction is done."""
        facts["customer"] = who.title or who.name
        notices.tell(connection, by.at, kind, facts, self.ways.to(who.email))

    def percent_of(self, who: Customer) -> Decimal:
        """The tax rate of a customer's invoices."""
        return self.office.percent if who.tax_percent is None else who.tax_percent
