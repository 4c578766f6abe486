"""All that is kept of a trunk as JSON can hold it: a watch that starts goes on where one was.

What is packed is what cannot be had again but by seeing all calls of a day anew. What follows from
the rules and from the trunk is left out, and so is what is only there to save time.
"""

from collections import deque
from collections.abc import Mapping
from typing import Any

from asterisk_siptrunk.anomaly.finding import MOST_EVIDENCE
from asterisk_siptrunk.anomaly.plan import Plan
from asterisk_siptrunk.anomaly.profile import Profile
from asterisk_siptrunk.anomaly.rule import Level
from asterisk_siptrunk.anomaly.state import Fired, Home, Missed, Running, State, Trail
from asterisk_siptrunk.anomaly.window import Gauge

FORM = 1
"""Goes up when something else is packed, or it means something else: what is kept by another form
is not read."""
_PLAIN = (
    *("due", "hour", "hour_at", "attempts", "cost", "is_quiet", "is_spoiled"),
    *("inbound", "inbound_at"),
)
_NEAR = ("stems", "tails")


def pack(state: State) -> dict[str, Any]:
    """All of a trunk's state."""
    windows = enumerate(state.windows)
    return {
        "plain": [getattr(state, name) for name in _PLAIN],
        "windows": [[i, *window.packed()] for i, window in windows if window is not None],
        "gauges": [[*name, *gauge.packed()] for name, gauge in state.gauges.items()],
        "running": [[number, *running] for number, running in state.running.items()],
        "recent": list(state.recent),
        "fired": [[*name, *fired] for name, fired in state.fired.items()],
        "networks": state.networks,
        "near": [getattr(state, name) for name in _NEAR],
        "missed": [[caller, *missed] for caller, missed in state.missed.items()],
        "profile": state.profile.packed(),
    }


def unpack(packed: Mapping[str, Any], trunk: str, plan: Plan, home: Home) -> State:
    """The state that was packed; by the same rules, whose counts have the same places.

    Raises:
        InvalidInput: its profile cannot be read.
    """
    state = State(trunk, plan, home, Profile.unpacked(packed["profile"], home.trunk_class))
    for name, value in zip(_PLAIN, packed["plain"], strict=True):
        setattr(state, name, value)
    for index, *window in packed["windows"]:
        state.window(index).fill(window)
    for index, key, *gauge in packed["gauges"]:
        state.gauges[index, key] = Gauge.unpacked(gauge)
    for number, traits, keys, *rest in packed["running"]:
        state.running[number] = Running(traits, tuple(keys), *rest)
    trails = (Trail(number, traits, tuple(keys)) for number, traits, keys in packed["recent"])
    state.recent = deque(trails, maxlen=MOST_EVIDENCE)
    for rule, key, level, until in packed["fired"]:
        state.fired[rule, key] = Fired(Level(level), until)
    state.networks = [(name, at) for name, at in packed["networks"]]
    for name, known in zip(_NEAR, packed["near"], strict=True):
        setattr(state, name, known)
    state.missed = {caller: Missed(*missed) for caller, *missed in packed["missed"]}
    return state
