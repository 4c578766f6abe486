"""What happens to a customer once: nothing of it is fraud, and all of it is out of the ordinary."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from tests.traffic.days import HOUR, midnight
from tests.traffic.plan import about, inbound, outbound
from tests.traffic.zones import a_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date
    from random import Random

    from tests.traffic.plan import Line, Planned


@dataclass(frozen=True, slots=True)
class Happening:
    """From the day `begins` to the day before `ends`.

    Attributes:
        volume: what the calls of ordinary business are multiplied by.
        main_only: from then on every call out shows the main number.
    """

    name: str
    begins: date
    ends: date
    calls: Callable[[date, Random], Iterator[Planned]]
    volume: float = 1.0
    main_only: bool = False


def one_offs(line: Line, first: date, days: int, random: Random) -> Sequence[Happening]:
    """What happens to a customer within that time; to most, one or two things."""
    happened = []
    for make, chance in _CHANCES:
        if random.random() < chance * days / 60:
            on = first + timedelta(days=random.randrange(days))
            happened.append(make(line, on, random))
    return happened


def _nothing(_day: date, _random: Random) -> Iterator[Planned]:
    return iter(())


def _crisis(_line: Line, on: date, random: Random) -> Happening:
    """A day with many times the calls: a strike, a recall, a leak."""
    volume = random.uniform(3, 6)
    return Happening("crisis", on, on + timedelta(days=1), _nothing, volume)


def _new_supplier(line: Line, on: date, random: Random) -> Happening:
    """Calls to a country that was never called before, a few a day for weeks."""
    zone = random.choice(
        ("cn:mobile", "tr:mobile", "in:mobile", "ro:mobile", "ba:mobile", "ma:mobile")
    )
    people = [(a_number(zone, random), zone) for _ in range(random.randint(1, 3))]
    a_day = random.uniform(1.5, 5)

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        if day.weekday() >= 5:
            return
        for _ in range(round(day_random.uniform(0, 2 * a_day))):
            at = midnight(day) + day_random.uniform(8.5, 18) * HOUR
            talk = about(day_random, 240, 0.8) if day_random.random() < 0.7 else None
            callee = day_random.choice(people)
            yield outbound(at, line, line.numbers[0], callee, (8, talk))

    return Happening("new-supplier", on, on + timedelta(days=30), calls)


def _new_pbx(line: Line, on: date, _random: Random) -> Happening:
    """An evening of short tests to a few numbers, then every call shows the main number."""

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        mobiles = [(a_number("fr:mobile", day_random), "fr:mobile") for _ in range(3)]
        abroad = (a_number("be:fixed", day_random), "be:fixed")
        for test in range(24):
            at = midnight(day) + 18.5 * HOUR + test * 75 + day_random.random() * 30
            callee = abroad if test == 20 else day_random.choice(mobiles)
            yield outbound(at, line, line.numbers[0], callee, (4, about(day_random, 9, 0.5)))

    return Happening("new-pbx", on, on + timedelta(days=1), calls, main_only=True)


def _call_backs(line: Line, on: date, _random: Random) -> Happening:
    """Marketing: everyone who filled in a form is called, within two days."""

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        if day.weekday() >= 5:
            return
        for _ in range(day_random.randint(100, 250)):
            at = midnight(day) + day_random.uniform(9.5, 18) * HOUR
            talk = about(day_random, 40, 1) if day_random.random() < 0.4 else None
            callee = (a_number("fr:mobile", day_random), "fr:mobile")
            yield outbound(at, line, line.numbers[0], callee, (14, talk))

    return Happening("call-backs", on, on + timedelta(days=2), calls)


def _off_hook(line: Line, on: date, _random: Random) -> Happening:
    """A phone that nobody hung up: one national call of five hours."""

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        zone = day_random.choice(("fr:fixed", "fr:fixed", "fr:mobile"))
        at = midnight(day) + day_random.uniform(9, 19) * HOUR
        talk = day_random.uniform(4, 6) * HOUR
        yield outbound(at, line, line.numbers[-1], (a_number(zone, day_random), zone), (6, talk))

    return Happening("off-hook", on, on + timedelta(days=1), calls)


def _bad_night(line: Line, on: date, _random: Random) -> Happening:
    """A burst pipe: a dozen calls to mobiles of the country in the small hours."""

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        people = [(a_number("fr:mobile", day_random), "fr:mobile") for _ in range(4)]
        for _ in range(day_random.randint(6, 14)):
            at = midnight(day) + day_random.uniform(1.5, 4) * HOUR
            talk = about(day_random, 80, 0.8) if day_random.random() < 0.5 else None
            yield outbound(at, line, line.numbers[0], day_random.choice(people), (18, talk))

    return Happening("bad-night", on, on + timedelta(days=1), calls)


def _away(line: Line, on: date, random: Random) -> Happening:
    """Someone travels, and who calls him is forwarded to his mobile abroad, evenings too."""
    zone = random.choice(("es:mobile", "us:fixed_or_mobile", "ch:mobile", "tn:mobile", "pt:mobile"))
    mobile = (a_number(zone, random), zone)

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        for _ in range(day_random.randint(1, 8)):
            at = midnight(day) + day_random.uniform(8, 21) * HOUR
            talk = about(day_random, 130, 0.9) if day_random.random() < 0.6 else None
            caller = a_number("fr:mobile", day_random)
            yield inbound(at, line, caller, line.numbers[-1], (11, talk))
            yield outbound(at + 1, line, caller, mobile, (10, talk))

    return Happening("away", on, on + timedelta(days=random.randint(3, 9)), calls)


def _late_negotiation(line: Line, on: date, random: Random) -> Happening:
    """One evening of long calls to one partner overseas, whose office opens when ours closes."""
    zone = random.choice(("us:fixed_or_mobile", "ca:fixed_or_mobile", "br:mobile"))
    partner = (a_number(zone, random), zone)

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        at = midnight(day) + 19 * HOUR
        for _ in range(day_random.randint(2, 4)):
            talk = about(day_random, 1500, 0.5)
            yield outbound(at, line, line.numbers[0], partner, (9, talk))
            at += talk + day_random.uniform(60, 900)

    return Happening("late-negotiation", on, on + timedelta(days=1), calls)


def _branch(line: Line, on: date, random: Random) -> Happening:
    """A branch is opened next door: dozens of calls a working day to a country new to the trunk."""
    zone = random.choice(("es:fixed", "it:fixed", "be:fixed", "de:fixed", "gb:fixed"))
    people = [(a_number(zone, random), zone) for _ in range(6)]
    a_day = random.uniform(10, 40)

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        if day.weekday() >= 5:
            return
        for _ in range(round(day_random.uniform(0.6, 1.4) * a_day)):
            at = midnight(day) + day_random.uniform(8.5, 18) * HOUR
            talk = about(day_random, 150, 1) if day_random.random() < 0.8 else None
            own = day_random.choice(line.numbers)
            yield outbound(at, line, own, day_random.choice(people), (7, talk))

    return Happening("branch", on, on + timedelta(days=60), calls)


def _stranded(line: Line, on: date, random: Random) -> Happening:
    """Staff, or guests, are held up abroad: an evening and a night of calls to that country."""
    zone = random.choice(("es:mobile", "it:mobile", "gb:mobile", "tr:mobile", "ma:mobile"))
    people = [(a_number(zone, random), zone) for _ in range(5)]
    # To where a minute is dear, people keep it short.
    count, talk = (30, 120) if zone in {"es:mobile", "it:mobile", "gb:mobile"} else (10, 80)

    def calls(day: date, day_random: Random) -> Iterator[Planned]:
        for _ in range(day_random.randint(count // 2, count)):
            at = midnight(day) + day_random.uniform(18, 26) * HOUR
            lasts = about(day_random, talk, 0.7) if day_random.random() < 0.6 else None
            callee = day_random.choice(people)
            yield outbound(at, line, line.numbers[0], callee, (12, lasts))

    return Happening("stranded", on, on + timedelta(days=1), calls)


_CHANCES = (
    (_crisis, 0.2),
    (_new_supplier, 0.15),
    (_new_pbx, 0.05),
    (_call_backs, 0.06),
    (_off_hook, 0.1),
    (_bad_night, 0.1),
    (_away, 0.15),
    (_late_negotiation, 0.1),
    (_branch, 0.03),
    (_stranded, 0.05),
)
"""In 60 days."""
