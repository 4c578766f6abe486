"""Where a call may go: numbers, emergency numbers, the policy of destinations.

The room is pure: it reads its own packaged data files and nothing else.
"""

from asterisk_siptrunk.destination.away import AwayPattern, domestic_patterns, open_patterns
from asterisk_siptrunk.destination.emergency import (
    emergency_numbers,
    is_emergency,
    refuse_emergency,
)
from asterisk_siptrunk.destination.model import E164, ORDINARY, Destination, Kind
from asterisk_siptrunk.destination.normalise import caller_number, normalise
from asterisk_siptrunk.destination.plan import country_code
from asterisk_siptrunk.destination.policy import (
    Action,
    Judgement,
    Layer,
    Policy,
    Rule,
    default_rules,
)
from asterisk_siptrunk.destination.target import (
    RiskList,
    Scope,
    Target,
    names_of,
    shipped_risk,
)
from asterisk_siptrunk.destination.written import dialled_number, without_punctuation

__all__ = [
    "E164",
    "ORDINARY",
    "Action",
    "AwayPattern",
    "Destination",
    "Judgement",
    "Kind",
    "Layer",
    "Policy",
    "RiskList",
    "Rule",
    "Scope",
    "Target",
    "caller_number",
    "country_code",
    "default_rules",
    "dialled_number",
    "domestic_patterns",
    "emergency_numbers",
    "is_emergency",
    "names_of",
    "normalise",
    "open_patterns",
    "refuse_emergency",
    "shipped_risk",
    "without_punctuation",
]
