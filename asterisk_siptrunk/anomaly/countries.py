"""In which country an address is, by a file of networks: a list of numbers, and a search in it.

Each line of the file is `start,end,country` or `network,country` (CSV, with quotes or without),
IPv4 and IPv6 as they come, in any order: `192.0.2.0,192.0.2.255,FR` or `2001:db8::/32,DE`. Empty
lines and those that begin with "#" count for nothing, and so does a first line that names the
columns. Such files are free to have: "IP to Country Lite" of db-ip.com is one.
"""

import csv
from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import NamedTuple

from asterisk_siptrunk.errors import InvalidInput

_MOST_TOLD = 20
"""Mistakes: a file of another kind has one in each line."""
_LETTERS = 2
_COLUMNS = {2, 3}
_IPV4, _IPV6 = 4, 6
Address = IPv4Address | IPv6Address


class _Range(NamedTuple):
    """Addresses of one country, both ends among them; `line` is where that stands."""

    version: int
    first: int
    last: int
    country: str
    line: int


class Countries:
    """Tells the country of an address; without ranges, none of any."""

    def __init__(self, ranges: Iterable[_Range] = ()) -> None:
        every = sorted(ranges)
        self._places = {
            version: _places([each for each in every if each.version == version])
            for version in (_IPV4, _IPV6)
        }

    def of(self, source: str) -> str:
        """Where an address is, as ISO 3166 has it; "" for one that no range has, and for a name."""
        try:
            address = ip_address(source)
        except ValueError:
            return ""
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        starts, names = self._places[address.version]
        return names[bisect_right(starts, int(address)) - 1]


def read_countries(lines: Iterable[str], source: str) -> Countries:
    """Read such a file; `source` is what messages call it.

    Raises:
        InvalidInput: with a line for each of the first mistakes: where it is, and what is wrong.
    """
    ranges: list[_Range] = []
    mistakes: list[str] = []
    for number, cells in _rows(lines, source):
        try:
            ranges.append(_range(cells, number))
        except ValueError as error:
            if number > 1 or _is_data(cells):
                mistakes.append(f"{source}: line {number}: {error}")
    if not mistakes:
        mistakes = [f"{source}: {each}" for each in _overlaps(ranges)]
    if not mistakes and not ranges:
        mistakes = [f"{source}: there is no network in it."]
    if mistakes:
        raise InvalidInput("\n".join(mistakes[:_MOST_TOLD]))
    return Countries(ranges)


def _rows(lines: Iterable[str], source: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True, skipinitialspace=True)
    try:
        for cells in reader:
            if cells and not cells[0].startswith("#"):
                yield reader.line_num, cells
    except csv.Error as error:
        raise InvalidInput(f"{source}: line {reader.line_num}: this is no CSV: {error}.") from None


def _is_data(cells: Sequence[str]) -> bool:
    """Whether a first line is more than the names of columns."""
    return any(character.isdigit() for character in cells[0])


def _range(cells: Sequence[str], line: int) -> _Range:
    if len(cells) not in _COLUMNS:
        raise ValueError("give start,end,country or network,country.")
    *where, country = (cell.strip() for cell in cells)
    if not (len(country) == _LETTERS and country.isascii() and country.isalpha()):
        raise ValueError(f"{country[:20]!r} is no country; give two letters, as in FR.")
    first, last = _ends(where)
    if first.version != last.version or int(first) > int(last):
        raise ValueError(f"{last} does not come after {first}.")
    return _Range(first.version, int(first), int(last), country.upper(), line)


def _ends(where: Sequence[str]) -> tuple[Address, Address]:
    if len(where) == 1:
        network = ip_network(where[0])
        return network[0], network[-1]
    return ip_address(where[0]), ip_address(where[1])


def _overlaps(ranges: Iterable[_Range]) -> Iterator[str]:
    before: _Range | None = None
    for each in sorted(ranges):
        if before is not None and each[:2] <= (before.version, before.last):
            yield f"lines {before.line} and {each.line} have addresses in common."
        before = each


def _places(ranges: Sequence[_Range]) -> tuple[Sequence[int], list[str]]:
    """Where each country begins, in order; "" from where none is known."""
    starts, names = [0], [""]
    for each in ranges:
        if starts[-1] == each.first:
            del starts[-1], names[-1]
        starts += (each.first, each.last + 1)
        names += (each.country, "")
    packed: Sequence[int] = array("Q", starts) if starts[-1] < 1 << 64 else starts
    return packed, names
