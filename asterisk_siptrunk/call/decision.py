"""The decision on a call: one pure function, each outcome a value with its reason.

The order of the checks is part of the service's terms, and emergency comes first:

1. emergency numbers pass, beyond limit, block and suspension;
2. the trunk is in force, and not suspended for such a call;
3. the number exists;
4. the caller number is the trunk's own;
5. the destination is open;
6. the trunk has a channel free, and its calls do not come too fast;
7. a carrier takes the call.

Whoever calls `decide` counts the load and stores the outcome in one transaction. When that
cannot be had, nothing is decided here: the dialplan goes on by its own rendered rules.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from asterisk_siptrunk.call.attempt import Attempt, Direction, Load, Terms
from asterisk_siptrunk.call.reason import Reason
from asterisk_siptrunk.call.route import Chance, order, with_room
from asterisk_siptrunk.destination import (
    Action,
    Destination,
    Policy,
    caller_number,
    is_emergency,
    names_of,
    normalise,
    shipped_risk,
)
from asterisk_siptrunk.trunk import CallerPolicy, Carrier, Part, SuspensionScope, Trunk


@dataclass(frozen=True, slots=True)
class Admit:
    """The call passes.

    Attributes:
        callee: where to.
        caller: the number to present, in E.164 where it can be read so.
        carriers: the ways to try, best first; empty for an inbound call, which goes to the PBX.
        facts: what the decision rests on, in words.
    """

    reason: Reason
    callee: Destination
    caller: str
    carriers: tuple[Carrier, ...] = ()
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Refuse:
    """The call does not pass; `reason.cause` is the hangup cause it ends with."""

    reason: Reason
    callee: Destination | None = None
    facts: str = ""


Decision = Admit | Refuse


def decide(attempt: Attempt, terms: Terms, load: Load, chance: Chance) -> Decision:
    """Admit or refuse a call on a known trunk."""
    if attempt.direction is Direction.INBOUND:
        return _inbound(attempt, terms.trunk, load)
    if is_emergency(attempt.dialled, terms.trunk.country):
        main = terms.trunk.main_number or ""
        return emergency(attempt, terms.trunk.country, terms.carriers, chance, main)
    return _outbound(attempt, terms, load, chance)


def decide_unknown(
    attempt: Attempt, country: str, carriers: tuple[Carrier, ...], chance: Chance
) -> Decision:
    """Decide on a call that belongs to no trunk of ours; its emergency calls pass all the same.

    `country` is the provider's.
    """
    if attempt.direction is Direction.INBOUND:
        callee = normalise(attempt.dialled, country)
        return Refuse(Reason.UNKNOWN_NUMBER, callee, "the number belongs to no trunk")
    if is_emergency(attempt.dialled, country):
        return emergency(attempt, country, carriers, chance)
    return Refuse(Reason.UNKNOWN_TRUNK, facts=f"no trunk is named {attempt.entry[:60]!r}")


def emergency(
    attempt: Attempt, country: str, carriers: tuple[Carrier, ...], chance: Chance, main: str = ""
) -> Decision:
    """Let an emergency call pass by any carrier in service, whatever the carriers' limits.

    Its caller number stays the one that the PBX sent, the trunk's or not: it may tell the place
    that needs help. Where it sent none, or one that nobody can call back (a phone's extension),
    `main` stands in.
    """
    caller = caller_number(attempt.caller, country) or main or attempt.caller
    callee = normalise(attempt.dialled, country)
    if callee is None or not carriers:
        return Refuse(Reason.NO_CARRIER, callee, "no carrier is in service")
    return Admit(Reason.EMERGENCY, callee, caller, order(carriers, chance))


def _inbound(attempt: Attempt, trunk: Trunk, load: Load) -> Decision:
    callee = normalise(attempt.dialled, trunk.country)
    if callee is None:
        return Refuse(Reason.UNKNOWN_NUMBER, facts=f"dialled {attempt.dialled[:40]!r}")
    refusal = (
        _not_in_force(attempt, trunk, callee, _inbound_parts(attempt, trunk))
        or _inbound_full(trunk, callee, load)
        or _too_fast(trunk, callee, load)
    )
    return refusal or Admit(Reason.ADMITTED, callee, attempt.caller, facts=_occupancy(trunk, load))


def _outbound(attempt: Attempt, terms: Terms, load: Load, chance: Chance) -> Decision:
    trunk = terms.trunk
    callee = normalise(attempt.dialled, trunk.country)
    caller = _caller(attempt, trunk)
    parts = _outbound_parts(attempt, trunk, callee, caller)
    refusal = _not_in_force(attempt, trunk, callee, parts)
    if refusal or callee is None:
        return refusal or Refuse(
            Reason.UNKNOWN_NUMBER, facts=f"{attempt.dialled[:40]!r} is no number in {trunk.country}"
        )
    carriers = with_room(terms.carriers, load.carriers)
    refusal = (
        _caller_not_owned(attempt, trunk, callee, caller)
        or _blocked(callee, terms.policy)
        or _outbound_full(trunk, callee, load)
        or _too_fast(trunk, callee, load)
        or _no_carrier(callee, terms.carriers, carriers)
    )
    facts = _occupancy(trunk, load) + _replacement(attempt, trunk, caller)
    return refusal or Admit(Reason.ADMITTED, callee, caller or "", order(carriers, chance), facts)


def _not_in_force(
    attempt: Attempt, trunk: Trunk, callee: Destination | None, parts: Iterator[Part]
) -> Refuse | None:
    if trunk.ended:
        return Refuse(Reason.TRUNK_ENDED, callee)
    if not trunk.suspensions:  # nearly every call: its parts need not be told
        return None
    suspension = trunk.suspension_at(attempt.at, frozenset(parts))
    if suspension is None:
        return None
    return Refuse(Reason.SUSPENDED, callee, f"{suspension.part}: {suspension.reason}")


def _inbound_parts(attempt: Attempt, trunk: Trunk) -> Iterator[Part]:
    """The parts of the service that an inbound call is in."""
    yield SuspensionScope.ALL, ""
    yield SuspensionScope.INBOUND, ""
    yield from _caller_parts(attempt, trunk)


def _outbound_parts(
    attempt: Attempt, trunk: Trunk, callee: Destination | None, caller: str | None
) -> Iterator[Part]:
    """The parts that an outbound call is in; `caller` is the number that it would present."""
    yield SuspensionScope.ALL, ""
    yield SuspensionScope.OUTBOUND, ""
    yield from _caller_parts(attempt, trunk)
    yield SuspensionScope.CALLER, caller or ""
    if callee is not None:
        if not callee.is_domestic(trunk.country):
            yield SuspensionScope.INTERNATIONAL, ""
        for name in names_of(callee, trunk.country, shipped_risk()):
            yield SuspensionScope.DESTINATION, name


def _caller_parts(attempt: Attempt, trunk: Trunk) -> Iterator[Part]:
    """A caller is stopped as it is written (an extension), and in whatever form it is written."""
    yield SuspensionScope.CALLER, attempt.caller
    yield SuspensionScope.CALLER, caller_number(attempt.caller, trunk.country) or ""


def _caller(attempt: Attempt, trunk: Trunk) -> str | None:
    """The number to present, or None where the trunk has no right to any."""
    presented = caller_number(attempt.caller, trunk.country)
    if presented in trunk.numbers:
        return presented
    # A PBX that presents no number claims nobody else's: the network gets the true one.
    if attempt.caller and trunk.caller_policy is CallerPolicy.REFUSE:
        return None
    return trunk.main_number


def _replacement(attempt: Attempt, trunk: Trunk, caller: str | None) -> str:
    """A word on a caller number that was not the trunk's, "" where none was claimed."""
    if not attempt.caller or caller_number(attempt.caller, trunk.country) == caller:
        return ""
    return f"; caller {attempt.caller[:40]!r} is not the trunk's, {caller} stands in"


def _caller_not_owned(
    attempt: Attempt, trunk: Trunk, callee: Destination, caller: str | None
) -> Refuse | None:
    if caller is not None:
        return None
    if not trunk.numbers:
        return Refuse(Reason.CALLER_NOT_OWNED, callee, "the trunk has no number")
    return Refuse(Reason.CALLER_NOT_OWNED, callee, f"presented {attempt.caller[:40]!r}")


def _blocked(callee: Destination, policy: Policy) -> Refuse | None:
    judgement = policy.judge(callee)
    if judgement.action is Action.ALLOW:
        return None
    return Refuse(Reason.DESTINATION_BLOCKED, callee, judgement.explanation)


def _outbound_full(trunk: Trunk, callee: Destination, load: Load) -> Refuse | None:
    left = min(
        trunk.channels - load.in_use,
        trunk.channels - trunk.reserved_inbound - load.outbound - load.elsewhere,
    )
    if left > 0:
        return None
    return Refuse(Reason.CHANNELS_FULL, callee, _occupancy(trunk, load))


def _inbound_full(trunk: Trunk, callee: Destination, load: Load) -> Refuse | None:
    if load.in_use < trunk.channels:
        return None
    return Refuse(Reason.INBOUND_FULL, callee, _occupancy(trunk, load))


def _too_fast(trunk: Trunk, callee: Destination, load: Load) -> Refuse | None:
    if load.tokens is None or load.tokens >= 1:
        return None
    return Refuse(Reason.TOO_FAST, callee, f"the limit is {trunk.calls_per_second} calls a second")


def _no_carrier(
    callee: Destination, in_service: tuple[Carrier, ...], carriers: tuple[Carrier, ...]
) -> Refuse | None:
    if carriers:
        return None
    if not in_service:
        return Refuse(Reason.NO_CARRIER, callee, "no carrier is in service")
    names = ", ".join(carrier.name for carrier in in_service)
    return Refuse(Reason.CARRIERS_FULL, callee, f"all channels are taken at {names}")


def _occupancy(trunk: Trunk, load: Load) -> str:
    reserved = f", {trunk.reserved_inbound} kept for inbound" if trunk.reserved_inbound else ""
    elsewhere = f", {load.elsewhere} left to servers out of reach" if load.elsewhere else ""
    return (
        f"{load.in_use} of {trunk.channels} channels in use "
        f"({load.outbound} outbound, {load.inbound} inbound{reserved}{elsewhere})"
    )
