"""Roles of people, and what each may do.

A customer's people see and change their own customer's things only; whose a thing is, is looked at
where it is read from the database, and not here.
"""

from enum import StrEnum, auto


class Right(StrEnum):
    """What a page or an operation of the API asks for."""

    SEE = auto()
    """Read what is one's own; a provider's people, of every customer."""
    MANAGE = auto()
    """Order channels, open destinations, rotate credentials, release what was suspended."""
    PEOPLE = auto()
    """Let others in, and put them out: of the same customer, or of all."""
    SEE_ALL = auto()
    """Read what is the provider's own: carriers, servers, audit, the queue of findings."""
    RUN = auto()
    """Change what is the provider's own: customers, offers, carriers, configuration, billing."""


class Role(StrEnum):
    """What somebody is to us."""

    CUSTOMER_USER = "customer-user"
    CUSTOMER_ADMIN = "customer-admin"
    PROVIDER_SUPPORT = "provider-support"
    PROVIDER_ADMIN = "provider-admin"

    @property
    def of_provider(self) -> bool:
        """Whether this is one of the provider's people, who belong to no customer."""
        return self in {Role.PROVIDER_SUPPORT, Role.PROVIDER_ADMIN}


_RIGHTS = {
    Role.CUSTOMER_USER: frozenset({Right.SEE}),
    Role.CUSTOMER_ADMIN: frozenset({Right.SEE, Right.MANAGE, Right.PEOPLE}),
    # Support helps customers with their own things, and runs nothing of the provider's.
    Role.PROVIDER_SUPPORT: frozenset({Right.SEE, Right.MANAGE, Right.SEE_ALL}),
    Role.PROVIDER_ADMIN: frozenset(Right),
}


def rights_of(role: Role) -> frozenset[Right]:
    """What a role may do."""
    return _RIGHTS[role]
