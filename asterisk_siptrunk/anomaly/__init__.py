"""Abnormal use: what is seen of calls, judged as it happens by rules that explain themselves.

How a sighting goes: `watch` takes it; `trait` and `state` say what is so of the call; `plan` says
which counts it touches; `judge` adds to their `window`s, and asks the `rule`s of each that has come
to its bounds; what they say is a `finding`. `profile` learns meanwhile what is usual.
"""

from asterisk_siptrunk.anomaly.calendar import Calendar, Holidays, shipped_holidays
from asterisk_siptrunk.anomaly.countries import Countries, read_countries
from asterisk_siptrunk.anomaly.finding import Finding
from asterisk_siptrunk.anomaly.login import Login, LoginKind
from asterisk_siptrunk.anomaly.profile import TrunkClass
from asterisk_siptrunk.anomaly.rule import Action, Level, Rule
from asterisk_siptrunk.anomaly.rule_file import changed, read_rules, shipped_rules, written
from asterisk_siptrunk.anomaly.sighting import Moment, Seen, Sighting
from asterisk_siptrunk.anomaly.state import Home
from asterisk_siptrunk.anomaly.watch import PROVIDER, Watch

__all__ = [
    "PROVIDER",
    "Action",
    "Calendar",
    "Countries",
    "Finding",
    "Holidays",
    "Home",
    "Level",
    "Login",
    "LoginKind",
    "Moment",
    "Rule",
    "Seen",
    "Sighting",
    "TrunkClass",
    "Watch",
    "changed",
    "read_countries",
    "read_rules",
    "shipped_holidays",
    "shipped_rules",
    "written",
]
