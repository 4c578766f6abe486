"""What Asterisk's own dialplan may route when nobody is there to judge.

The patterns come from the same plans as `normalise` reads, so that the dialplan left alone sends a
call where the service would have sent it, or refuses it. They admit digits only, of fixed length.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from asterisk_siptrunk.destination import plan, shipped
from asterisk_siptrunk.destination.digits import (
    ANY,
    Block,
    expand,
    extremes,
    literal,
    merged,
    subtract,
    within,
    written,
)
from asterisk_siptrunk.destination.model import ORDINARY, members_of, plan_of
from asterisk_siptrunk.destination.normalise import normalise
from asterisk_siptrunk.destination.target import shipped_risk

_E164_LENGTHS = range(5, 16)
_NOT_ZERO = ANY & ~1


@dataclass(frozen=True, slots=True)
class AwayPattern:
    """One Asterisk dialplan pattern, and how what it matches becomes E.164.

    The number is `prepend` followed by the dialled text without its first `strip` characters.
    """

    pattern: str
    strip: int
    prepend: str


@dataclass(frozen=True, slots=True)
class _Form:
    """A way to dial the numbers of a block: some leading characters, then its digits."""

    lead: str
    block: Block
    strip: int
    prepend: str

    @property
    def pattern(self) -> AwayPattern:
        return AwayPattern(f"_{self.lead}{written(self.block)}", self.strip, self.prepend)

    def agrees(self, country: str) -> bool:
        """Whether the service reads the ends of the block as the pattern does.

        A few plans write numbers in ways of their own: behind a carrier's code (Colombia), or with
        zeros that also open an international number (Japan's 0077). Those forms are left out.
        """
        return all(self._is_read_so(self.lead + end, country) for end in extremes(self.block))

    def _is_read_so(self, dialled: str, country: str) -> bool:
        read = normalise(dialled, country)
        expected = self.prepend + dialled[self.strip :]
        return read is not None and read.number == expected and read.kind in ORDINARY


@cache
def domestic_patterns(country: str) -> tuple[AwayPattern, ...]:
    """Ordinary numbers of the plan that `country` dials in, none for a country nobody knows.

    In national form, as E.164 with its plus, and behind the country's international prefix. They
    are numbers of the kinds in `ORDINARY`: never a premium or a shared-cost one, nor in North
    America one of another country. Emergency numbers are not among them: `emergency_numbers`.
    """
    country = country.upper()
    blocks = _domestic(country)
    whole = [literal(code) + block for code, members in blocks.items() for block in members]
    main = plan_of(country)
    national = [*_national(main, blocks), *_moved(main, blocks)]
    forms = [form for form in national if form.agrees(country)]
    forms += _international(country, whole)
    return tuple(dict.fromkeys(form.pattern for form in forms))


@cache
def open_patterns(country: str) -> tuple[AwayPattern, ...]:
    """`domestic_patterns`, and international numbers of 5 to 15 digits.

    Without the networks and prefixes that the shipped policy blocks (satellites, the list of
    high risk), and under the home country's own code ordinary numbers only.
    """
    country = country.upper()
    domestic = _domestic(country)
    if not domestic:
        return ()
    abroad = subtract(_anywhere(), map(literal, domestic))
    near = subtract(_neighbours(country), map(literal, _blocked()))
    forms = _international(country, abroad + near)
    # Neighbours may share ranges with home, such as toll-free numbers.
    return tuple(dict.fromkeys((*domestic_patterns(country), *(form.pattern for form in forms))))


@cache
def _anywhere() -> list[Block]:
    """Numbers of every length, except where the shipped policy blocks."""
    every = [(_NOT_ZERO, *[ANY] * (length - 1)) for length in _E164_LENGTHS]
    return merged(subtract(every, map(literal, _blocked())))


def _domestic(country: str) -> dict[str, list[Block]]:
    """Ordinary numbers without their country code, by country code; main one first."""
    if plan.metadata_of(country) is None:
        return {}
    members = members_of(plan_of(country))
    codes = dict.fromkeys(plan.country_code(member) for member in members)
    return {code: _ordinary(code, members) for code in codes}


def _neighbours(country: str) -> list[Block]:
    """Ordinary numbers of other countries under the same code, code included."""
    code = plan.country_code(country)
    others = [o for o in plan.countries_of(int(code)) if plan_of(o) != plan_of(country)]
    return [literal(code) + block for block in _ordinary(code, others)]


def _ordinary(code: str, countries: Iterable[str]) -> list[Block]:
    """What `countries` have under `code` in ordinary kinds, and nothing that another kind has."""
    ordinary: list[Block] = []
    other = list(_corrected(code))
    for country in (c for c in countries if plan.country_code(c) == code):
        for numbers in plan.ranges(country, int(code)):
            blocks = [b for b in expand(numbers.expression) if len(b) in numbers.lengths]
            (ordinary if numbers.kind in ORDINARY else other).extend(blocks)
    short_enough = (block for block in ordinary if len(code) + len(block) in _E164_LENGTHS)
    return merged(subtract(dict.fromkeys(short_enough), dict.fromkeys(other)))


def _corrected(code: str) -> Iterator[Block]:
    """Prefixes under `code` that live elsewhere, or are dearer than libphonenumber says."""
    for prefix in (*plan.corrections("moved"), *plan.corrections("kinds")):
        if prefix.startswith(f"+{code}"):
            yield literal(prefix.removeprefix(f"+{code}"))


def _national(main: str, blocks: Mapping[str, list[Block]]) -> Iterator[_Form]:
    """The main country's numbers as they are dialled in it."""
    if main in shipped.load("number_plans")["guessed"]:
        return
    code = next(iter(blocks), "")
    trunk = _trunk_prefix(main)
    abroad = plan.dialled_prefix(main)
    for block in subtract(blocks.get(code, ()), [literal(abroad)] if abroad else []):
        yield _Form(trunk, block, len(trunk), f"+{code}")
        if trunk and not any(plan.asks_for_prefix(end, main) for end in extremes(block)):
            yield _Form("", block, 0, f"+{code}")


def _moved(main: str, blocks: Mapping[str, list[Block]]) -> Iterator[_Form]:
    """Numbers dialled as the main country's that live under another code of its plan."""
    trunk = _trunk_prefix(main)
    for written_as, target in plan.corrections("moved").items():
        code = next((code for code in blocks if target.startswith(f"+{code}")), None)
        if code is None:
            continue
        begin = literal(target.removeprefix(f"+{code}"))
        dialled = trunk + written_as.removeprefix(f"+{plan.country_code(main)}")
        for block in within(blocks[code], begin):
            rest = block[len(begin) :]
            if len(dialled) + len(rest) in _dialled_lengths(main):
                yield _Form(dialled, rest, len(dialled), target)


def _trunk_prefix(country: str) -> str:
    metadata = plan.metadata_of(country)
    return (metadata and metadata.national_prefix) or ""


def _dialled_lengths(country: str) -> frozenset[int]:
    """Lengths of a country's numbers, trunk prefix included."""
    numbers = plan.ranges(country, int(plan.country_code(country)))
    trunk = len(_trunk_prefix(country))
    return frozenset(trunk + length for each in numbers for length in each.lengths)


def _blocked() -> Iterator[str]:
    """Digits that the shipped policy's networks and countries of risk begin with."""
    for prefix in plan.corrections("networks"):
        yield prefix.removeprefix("+")
    for name in sorted(shipped_risk().targets):
        is_prefix = name.startswith("+")
        yield name.removeprefix("+") if is_prefix else plan.country_code(name.upper())


def _international(country: str, blocks: Iterable[Block]) -> Iterator[_Form]:
    """Numbers given with their country code."""
    prefix = plan.dialled_prefix(country)
    for block in blocks:
        yield _Form("+", block, 0, "")
        if prefix is not None:
            yield _Form(prefix, block, len(prefix), "+")
