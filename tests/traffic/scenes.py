"""Sets of worlds: who is there, who is attacked and how. What is drawn comes from their seeds."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from random import Random
from typing import TYPE_CHECKING

from tests.traffic.customers import Customer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from tests.traffic.attacks import Shape
    from tests.traffic.habits import Habit
    from tests.traffic.plan import Line, Planned
    from tests.traffic.simulation import Attack

DAYS = 60
_LEARNING, _LEFT = 28, 9
"""Days before the first attack, and after the last begins at the latest."""


@dataclass(frozen=True)
class World:
    """One provider for 60 days.

    Attributes:
        ordinary: customers whom nobody attacks.
        strikes: attacks, each on one customer more.
    """

    seed: str
    first: date
    habits: Sequence[Habit]
    ordinary: int
    strikes: Sequence[Shape]

    @cached_property
    def customers(self) -> Sequence[Customer]:
        """Those whom nobody attacks, then the others."""
        return [self._customer(place) for place in range(self.ordinary + len(self.strikes))]

    @property
    def lines(self) -> Sequence[Line]:
        """All trunks."""
        return [customer.line for customer in self.customers]

    def days(self) -> Sequence[date]:
        """In order."""
        return [self.first + timedelta(days=after) for after in range(DAYS)]

    def calls(self, day: date) -> list[Planned]:
        """Everybody's ordinary ones."""
        return [call for customer in self.customers for call in customer.day(day)]

    def attacks(self) -> list[Attack]:
        """Fresh, for one more simulation."""
        return [self._attack(place, shape) for place, shape in enumerate(self.strikes)]

    def _customer(self, place: int) -> Customer:
        # A step that is prime to the number of kinds: shapes that are repeated meet all of them.
        habit = self.habits[place * 3 % len(self.habits)]
        seed = f"{self.seed}/{place}"
        return Customer(habit, f"{habit.name}-{place}", seed, self.first, DAYS)

    def _attack(self, place: int, shape: Shape) -> Attack:
        random = Random(f"{self.seed}/attack/{place}")
        day = self.first + timedelta(days=random.randrange(_LEARNING, DAYS - _LEFT))
        return shape(self.customers[self.ordinary + place].line, day, random)


def repeated(shapes: Sequence[Shape], times: int) -> Sequence[Shape]:
    """All of them, then all of them again."""
    return [*shapes] * times
