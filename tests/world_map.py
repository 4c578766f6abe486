"""Makes `web/world.json`, the shapes of countries, of Natural Earth's 1:110m map (public domain).

    npm pack world-atlas && tar xf world-atlas-*.tgz
    python -m tests.world_map package/countries-110m.json > asterisk_siptrunk/web/world.json

Equal Earth projection (Šavrič, Patterson and Jenny, 2018), 1000 units wide; without Antarctica.
"""

import json
import math
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from babel.core import get_global

SOURCE = "Natural Earth 1:110m (public domain), by the npm package world-atlas 2.0.2"
WIDTH = 1000
SOUTH = -58.0
A = (1.340264, -0.081106, 0.000893, 0.003796)
# Kosovo has no number in ISO 3166, and numbers of its own.
BY_NAME = {"Kosovo": "XK"}
Point = tuple[int, int]
Degrees = tuple[float, float]
"""Longitude and latitude."""


def project(longitude: float, latitude: float) -> tuple[float, float]:
    t = math.asin(math.sqrt(3) / 2 * math.sin(math.radians(latitude)))
    flat = A[0] + 3 * A[1] * t**2 + t**6 * (7 * A[2] + 9 * A[3] * t**2)
    x = 2 * math.sqrt(3) * math.radians(longitude) * math.cos(t) / (3 * flat)
    return x, A[0] * t + A[1] * t**3 + A[2] * t**7 + A[3] * t**9


SCALE = WIDTH / (2 * project(180, 0)[0])
NORTH = project(0, 84)[1]


def placed(longitude: float, latitude: float) -> Point:
    x, y = project(longitude, latitude)
    return round(WIDTH / 2 + SCALE * x), round(SCALE * (NORTH - y))


def arcs(topology: dict[str, Any]) -> Iterator[list[Degrees]]:
    (kx, ky), (dx, dy) = topology["transform"]["scale"], topology["transform"]["translate"]
    for arc in topology["arcs"]:
        x = y = 0
        points = []
        for step in arc:
            x, y = x + step[0], y + step[1]
            points.append((x * kx + dx, max(y * ky + dy, SOUTH)))
        yield points


def sides(ring: list[Degrees]) -> Iterator[list[Degrees]]:
    """A ring, or the two parts of one that crosses the 180th meridian, each at its edge."""
    if all(abs(here[0] - before[0]) <= 180 for before, here in pairwise(ring)):
        yield ring
        return
    yield [(x if x > 0 else 180.0, y) for x, y in ring]
    yield [(x if x < 0 else -180.0, y) for x, y in ring]


def path(rings: list[list[int]], lines: list[list[Degrees]]) -> str:
    text = ""
    for ring in rings:
        whole = [p for n in ring for p in (lines[n] if n >= 0 else lines[~n][::-1])]
        for side in sides(whole):
            points = [placed(*p) for p in side]
            kept = [p for at, p in enumerate(points) if at == 0 or p != points[at - 1]]
            if len(kept) > 3:
                text += "M" + "L".join(f"{x} {y}" for x, y in kept[:-1]) + "Z"
    return text


def shapes(topology: dict[str, Any]) -> Iterator[tuple[str, str]]:
    aliases, lines = get_global("territory_aliases"), list(arcs(topology))
    for one in topology["objects"]["countries"]["geometries"]:
        country = BY_NAME.get(one["properties"]["name"]) or aliases.get(one.get("id"), [""])[0]
        polygons = [one["arcs"]] if one["type"] == "Polygon" else one["arcs"]
        shape = "".join(path(rings, lines) for rings in polygons)
        if country and country != "AQ" and shape:
            yield country, shape


if __name__ == "__main__":
    found = dict(sorted(shapes(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
    height = placed(0, SOUTH)[1]
    world = {"source": SOURCE, "width": WIDTH, "height": height, "shapes": found}
    print(json.dumps(world, indent=0))
