"""What a token of the API may be used for; each operation asks for one."""

from enum import StrEnum

from asterisk_siptrunk.account.role import Right


class Scope(StrEnum):
    """A part of the API; `right` is what its owner must have for it."""

    READ = "read"
    """Trunks, calls, registrations, findings, offers."""
    BILLING = "billing"
    """Invoices, quotes and orders: read them, and order."""
    MANAGE = "manage"
    """Destinations, credentials, suspensions, terms of trunks."""
    PAYMENTS = "payments"
    """Tell of payments; a provider's tokens alone."""
    RUN = "run"
    """What is the provider's own; a provider's tokens alone."""

    @property
    def right(self) -> Right:
        """What whoever makes such a token must be allowed to do."""
        return _RIGHTS[self]

    @property
    def of_provider(self) -> bool:
        """Whether no customer's token may have it."""
        return self.right is Right.RUN


_RIGHTS = {
    Scope.READ: Right.SEE,
    Scope.BILLING: Right.MANAGE,
    Scope.MANAGE: Right.MANAGE,
    Scope.PAYMENTS: Right.RUN,
    Scope.RUN: Right.RUN,
}
