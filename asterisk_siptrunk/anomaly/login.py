"""Registrations and authentications, as the watch sees them."""

from dataclasses import dataclass
from enum import StrEnum

from asterisk_siptrunk.anomaly.state import State
from asterisk_siptrunk.anomaly.trait import Trait

_TWO_PLACES = 3600.0
"""Seconds within which a registration comes back from a network that it had left."""


class LoginKind(StrEnum):
    """How it went."""

    REGISTERED = "registered"
    PASSWORD = "password"  # noqa: S105 - a kind of event # nosec B105
    """The account is there, and the password was wrong."""
    UNKNOWN = "unknown"
    """There is no such account, or no such peer."""


@dataclass(frozen=True, slots=True)
class Login:
    """One of them.

    Attributes:
        at: seconds since 1970, UTC.
        trunk: whose account it is; "" for nobody's.
        source: the address that it came from; `network` is the network that address is in.
        country: where that is, where a file of addresses says so; "" otherwise.
        user_agent: what the PBX calls itself; "" where it said nothing.
    """

    kind: LoginKind
    at: float
    trunk: str
    source: str
    network: str
    country: str = ""
    user_agent: str = ""

    @property
    def traits(self) -> int:
        """What it shows by itself."""
        return int(_TRAITS[self.kind])


_TRAITS = {
    LoginKind.REGISTERED: Trait(0),
    LoginKind.PASSWORD: Trait.PASSWORD,
    LoginKind.UNKNOWN: Trait.UNKNOWN,
}


def origin(state: State, login: Login) -> int:
    """Traits of where a trunk registers from, and with what; that is known from now on."""
    if login.kind is not LoginKind.REGISTERED:
        return 0
    traits = Trait(0)
    for trait, name in (
        (Trait.NEW_COUNTRY, login.country),
        (Trait.NEW_NETWORK, login.network),
        (Trait.NEW_USER_AGENT, login.user_agent),
    ):
        if name and state.profile.is_new_origin(str(trait.name), name, login.at):
            traits |= trait
    if _is_back(state, login):
        traits |= Trait.TWO_PLACES
    return int(traits)


def _is_back(state: State, login: Login) -> bool:
    """A PBX that moves leaves a network once; from there and back again, it is two of them."""
    recent = [each for each in state.networks if login.at - each[1] <= _TWO_PLACES]
    names = [name for name, _ in recent if name != login.network]
    returns = bool(recent) and recent[-1][0] != login.network and len(names) < len(recent)
    if recent and recent[-1][0] == login.network:
        recent.pop()
    state.networks = [*recent, (login.network, login.at)][-_MOST_NETWORKS:]
    return returns


_MOST_NETWORKS = 3
