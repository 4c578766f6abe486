"""Who may let whom in, and as what: nobody gives what it has not got, and nobody raises itself."""

from asterisk_siptrunk.account.model import Account
from asterisk_siptrunk.account.role import Right, Role, rights_of
from asterisk_siptrunk.account.scope import Scope


def roles_at(customer: str) -> tuple[Role, ...]:
    """The roles of a customer's people, by its name; "" for the provider's own."""
    return tuple(role for role in Role if role.of_provider is not bool(customer))


def scopes_from(author: Account, customer: str) -> tuple[Scope, ...]:
    """What the tokens may be for that somebody makes for a customer; "" for the provider's."""
    rights = rights_of(author.role)
    return tuple(
        scope for scope in Scope if scope.right in rights and not (customer and scope.of_provider)
    )


def may_lead(author: Account, whom: Account) -> bool:
    """Whether somebody may change another's role, or put it out; nobody may do that to itself."""
    if not author.may(Right.PEOPLE) or author.id == whom.id:
        return False
    return author.role.of_provider or author.customer == whom.customer
