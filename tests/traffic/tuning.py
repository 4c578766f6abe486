"""The set to tune on: look at it as often as you like."""

from __future__ import annotations

from datetime import date

from tests.traffic.attacks import (
    MINUTE,
    CallBack,
    DialThrough,
    OneCallee,
    PremiumPumping,
    Resale,
    Scanning,
    SlowPumping,
    Stolen,
    WangiriIn,
    WangiriOut,
)
from tests.traffic.by_lot import ByLot, Where
from tests.traffic.days import HOUR
from tests.traffic.habits import HABITS
from tests.traffic.scenes import World, repeated

SHAPES = (
    PremiumPumping(("mv:mobile", "so:mobile", "gm:mobile"), 12, 40 * MINUTE, 40 * HOUR),
    PremiumPumping(("lv:premium", "si:premium"), 4, 20 * MINUTE, 9 * HOUR, variants=120),
    SlowPumping(("tn:mobile", "ma:mobile", "dz:mobile"), 15 * MINUTE, 7 * MINUTE, 4),
    SlowPumping(("cm:mobile", "gb:personal"), 25 * MINUTE, 12 * MINUTE, 5),
    WangiriOut("fr:mobile", 4, 3 * HOUR),
    WangiriOut("be:mobile", 2, 5 * HOUR),
    WangiriIn("lv:premium", 3, 0.25),
    WangiriIn("tn:mobile", 5, 0.3),
    Scanning("fr:mobile", 2, 2, 800),
    Scanning("gb:mobile", 6, 1, 400),
    DialThrough(("sl:mobile", "gn:mobile", "sn:mobile"), 2, 25 * MINUTE, 9 * HOUR),
    DialThrough(("cu:mobile",), 1, 50 * MINUTE, 30 * HOUR),
    CallBack("zw:mobile", ("zw:mobile", "az:mobile"), 12 * MINUTE, 8 * HOUR),
    Resale(("sn:mobile", "ci:mobile", "cm:mobile", "ma:mobile", "fr:mobile"), 6, 3),
    OneCallee("fr:premium", 5, 10 * MINUTE, 8 * HOUR),
    OneCallee("az:mobile", 8, 30 * MINUTE, 10 * HOUR),
    Stolen(("cu:mobile", "pk:mobile", "bd:mobile"), 4, 9 * MINUTE, 6 * HOUR),
    Stolen(("so:mobile", "dj:mobile"), 10, 15 * MINUTE, 4 * HOUR),
)
BY_LOT = tuple(ByLot(where) for where in Where)
ORDINARY = 150
"""Customers of each world whom nobody attacks."""


def worlds(ordinary: int = ORDINARY) -> tuple[World, ...]:
    """Spring with its holidays, and the summer."""
    strikes = (*repeated(SHAPES, 3), *repeated(BY_LOT, 15))
    return (
        World("tuning/spring", date(2026, 3, 30), HABITS, ordinary, strikes),
        World("tuning/summer", date(2026, 7, 6), HABITS, ordinary, strikes),
    )
