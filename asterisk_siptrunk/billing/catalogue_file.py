"""A catalogue as a TOML file: read with every mistake in it told at once, and written.

What such a file holds is said by tables below: of each thing its keys, and what reads the value of
each; a catalogue is written by the same tables.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any

from asterisk_siptrunk.billing.catalogue import Catalogue, Inclusion, Offer, Option, Pack, Plan
from asterisk_siptrunk.billing.money import currency_code
from asterisk_siptrunk.billing.period import PeriodRule
from asterisk_siptrunk.billing.rate import parse_target
from asterisk_siptrunk.billing.reading import (
    Mistake,
    Reader,
    Readers,
    Wrong,
    count_of,
    day,
    entries,
    make,
    name_of_table,
    named_tables,
    parse_title,
    parse_toml,
    price,
    table,
    text_by,
)
from asterisk_siptrunk.errors import InvalidInput
from asterisk_siptrunk.trunk import MOST_CHANNELS, parse_name

_MOST_NUMBERS = 100_000
# A channel is in use for no more minutes than the longest month has.
_MOST_MINUTES = 31 * 24 * 60


def read_catalogue(text: str, source: str) -> Catalogue:
    """Read a catalogue; `source` is what messages call the file.

    Raises:
        InvalidInput: with a line for each mistake: where it is, what is wrong, what to do.
    """
    given = parse_toml(text, source)
    try:
        return _catalogue(given)
    except Wrong as wrong:
        raise InvalidInput("\n".join(f"{source}: {one}" for one in wrong.mistakes)) from None


def _catalogue(given: dict[str, Any]) -> Catalogue:
    mistakes: list[Mistake] = []
    offers = named_tables(given.get("offers", {}), "offers", _offer, mistakes)
    plan = partial(_plan, offers=offers, names=frozenset(table(given.get("offers"))))
    plans = named_tables(given.get("plans", {}), "plans", plan, mistakes)
    read: dict[str, Reader] = {
        "valid_from": day,
        "currency": text_by(currency_code),
        "offers": lambda _: offers,
        "plans": lambda _: plans,
    }
    try:
        found = make(Catalogue, read, {"plans": {}} | given)
    except Wrong as wrong:
        raise Wrong([*wrong.mistakes, *mistakes]) from None
    if not mistakes and not offers:
        mistakes.append(Mistake("there is none: nothing could be ordered.", ("offers",)))
    if mistakes:
        raise Wrong(mistakes)
    return found


def _offer(name: str, given: object) -> Offer:
    offer = make(Offer, _OFFER, given, name=name_of_table(name))
    mistakes = list(_mistakes_of_offer(offer))
    if mistakes:
        raise Wrong(mistakes)
    return offer


def _mistakes_of_offer(offer: Offer) -> Iterator[Mistake]:
    if offer.minimum > offer.maximum:
        what = f"a minimum of {offer.minimum} channels is more than the maximum, {offer.maximum}."
        yield Mistake(what, ("minimum",))
    if not offer.packs:
        yield Mistake("there is no pack: no channel has a price.", ("packs",))
    elif (smallest := min(pack.channels for pack in offer.packs)) > offer.maximum:
        what = (
            f"the smallest has {smallest} channels, and the maximum is {offer.maximum}: no trunk "
            "could have one."
        )
        yield Mistake(what, ("packs",))
    for option in offer.options:
        if option.channels > offer.maximum:
            what = f"needs {option.channels} channels, and the maximum is {offer.maximum}."
            yield Mistake(what, ("options", option.name))


def _plan(name: str, given: object, *, offers: Mapping[str, Offer], names: frozenset[str]) -> Plan:
    """A plan; `names` are those of all offers, of which some may be wrong, `offers` the others."""
    plan = make(Plan, _PLAN, given, name=name_of_table(name))
    if plan.offer not in names:
        what = f"there is no offer {plan.offer!r}; there is {', '.join(sorted(names)) or 'none'}."
        raise Wrong([Mistake(what, ("offer",))])
    offer = offers.get(plan.offer)
    maximum = plan.maximum or (offer.maximum if offer else MOST_CHANNELS)
    if plan.channels > maximum:
        what = f"{plan.channels} included channels are more than the maximum, {maximum}."
        raise Wrong([Mistake(what, ("channels",))])
    return plan


def _period(value: object) -> PeriodRule:
    if value not in list(PeriodRule):
        raise InvalidInput(f"{value!r} is no rule of periods: give {' or '.join(PeriodRule)}.")
    return PeriodRule(str(value))


def _targets(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise InvalidInput('give a list of destinations, as in ["fr:fixed", "fr:mobile"].')
    return tuple(text_by(parse_target)(each) for each in value)


_NAME, _TITLE = text_by(parse_name), text_by(parse_title)
_CHANNELS = count_of(1, MOST_CHANNELS)
_PACK: Readers = {"name": _NAME, "channels": _CHANNELS, "price": price}
_OPTION: Readers = {
    "name": _NAME,
    "title": _TITLE,
    "price": price,
    "channels": count_of(0, MOST_CHANNELS),
}
_INCLUSION: Readers = {"name": _TITLE, "targets": _targets, "minutes": count_of(1, _MOST_MINUTES)}
_ENTRIES = {Pack: _PACK, Option: _OPTION, Inclusion: _INCLUSION}
_OFFER: Readers = {
    "title": _TITLE,
    "minimum": _CHANNELS,
    "maximum": _CHANNELS,
    "deck": _NAME,
    "period": _period,
    "number_price": price,
    "numbers_per_channel": count_of(1, _MOST_NUMBERS),
    "packs": partial(entries, Pack, _PACK),
    "options": partial(entries, Option, _OPTION),
}
_PLAN: Readers = {
    "title": _TITLE,
    "offer": _NAME,
    "price": price,
    "channels": _CHANNELS,
    "numbers": count_of(0, _MOST_NUMBERS),
    "maximum": _CHANNELS,
    "deck": _NAME,
    "period": _period,
    "number_price": price,
    "inclusions": partial(entries, Inclusion, _INCLUSION),
}


def write_catalogue(catalogue: Catalogue) -> str:
    """The file that this catalogue is read from."""
    head = f"valid_from = {catalogue.valid_from}\ncurrency = {_toml(catalogue.currency)}\n"
    tables = [
        *(_written(f"offers.{name}", each, _OFFER) for name, each in catalogue.offers.items()),
        *(_written(f"plans.{name}", each, _PLAN) for name, each in catalogue.plans.items()),
    ]
    return "\n".join((head, *tables))


def _written(title: str, thing: Offer | Plan, keys: Iterable[str]) -> str:
    return f"[{title}]\n" + "".join(f"{key} = {value}\n" for key, value in _pairs(thing, keys))


def _pairs(thing: object, keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Keys and values, without those that the file may leave out and that say nothing."""
    for key in keys:
        value = getattr(thing, key)
        if value is not None and value != ():
            yield key, _toml(value)


def _toml(value: object) -> str:
    match value:
        case Decimal():
            return f'"{value:f}"'
        case str():  # what JSON escapes of a printable text, TOML reads back
            return json.dumps(value, ensure_ascii=False)
        case tuple():
            return _list(value)
        case _:
            return str(value)


def _list(values: Sequence[object]) -> str:
    """Words stand in one line, things one on each."""
    if isinstance(values[0], str):
        return f"[{', '.join(map(_toml, values))}]"
    return "[\n" + "".join(f"  {_inline(each)},\n" for each in values) + "]"


def _inline(thing: object) -> str:
    pairs = _pairs(thing, _ENTRIES[type(thing)])
    return f"{{ {', '.join(f'{key} = {value}' for key, value in pairs)} }}"
