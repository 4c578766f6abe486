import ast
import json
import sys
from datetime import date
from pathlib import Path

import pytest

from tests.traffic import __main__ as command
from tests.traffic import measure, tuning
from tests.traffic.attacks import MINUTE, OneCallee, PremiumPumping
from tests.traffic.days import DAY, HOUR, midnight
from tests.traffic.habits import HABITS
from tests.traffic.measure import Result, Summary
from tests.traffic.scenes import DAYS, World, repeated
from tests.traffic.simulation import Attack, Damage
from tests.unit.traffic.players import AT, LINE

TESTS = Path(__file__).parents[2]
STRIKES = (
    PremiumPumping(("mv:mobile",), 4, 20 * MINUTE, 9 * HOUR),
    OneCallee("az:mobile", 8, 30 * MINUTE, 10 * HOUR),
)
WORLD = World("test", date(2026, 3, 30), HABITS[:1], 2, STRIKES)


def damage(spent: float, warned: float | None = None, stopped: float | None = None) -> Damage:
    def at(after: float | None) -> float | None:
        return None if after is None else AT + after

    return Damage(Attack("shape", LINE, AT, AT + 9000, ()), at(warned), at(stopped), spent)


def test_a_summary():
    summary = Summary([damage(10, 5, 100), damage(30, 9, 300), damage(2), damage(50, 1)])
    assert (summary.found, summary.stopped) == (3, 2)
    assert summary.seconds == 200  # the median of 100 and 300
    assert summary.spent == 20  # the median of 2, 10, 30 and 50
    assert summary.most == 50


def test_a_summary_of_what_was_never_stopped():
    assert Summary([damage(2)]).seconds is None


def test_figures_are_for_a_thousand_trunk_months():
    assert Result("test", trunk_months=500).per_thousand(3) == 6  # 1000 x 3 / 500


def test_a_world_comes_from_its_seed():
    same = World("test", WORLD.first, WORLD.habits, 2, STRIKES)
    other = World("another", WORLD.first, WORLD.habits, 2, STRIKES)
    day = WORLD.days()[20]
    assert WORLD.calls(day) == same.calls(day) != other.calls(day)
    assert [each.begins for each in WORLD.attacks()] == [each.begins for each in same.attacks()]


def test_a_world_has_its_trunks():
    assert len(WORLD.lines) == len({line.name for line in WORLD.lines}) == 4
    assert {each.line.name for each in WORLD.attacks()} == {line.name for line in WORLD.lines[2:]}
    assert len(WORLD.days()) == DAYS


def test_attacks_begin_when_there_is_something_to_have_learned():
    world = World("many", date(2026, 3, 30), HABITS, 0, repeated(STRIKES, 20))
    days = [(each.begins - midnight(world.first)) / DAY for each in world.attacks()]
    assert min(days) > 28
    assert max(days) < DAYS - 2


@pytest.fixture(scope="module")
def results():
    return measure.run([WORLD], ["opensips", "cap100"])


def test_detectors_are_played_side_by_side(results):
    sips, cap = results
    began = midnight(WORLD.first)
    assert (sips.detector, cap.detector) == ("opensips", "cap100")
    assert set(sips.by_shape()) == {"premium pumping", "pumping to one callee"}
    for each in results:
        assert Summary(each.damages).stopped == 2
        # Two trunks for two months, and two more until they are attacked.
        before = [(one.attack.begins - began) / (30 * DAY) for one in each.damages]
        assert each.trunk_months == pytest.approx(4 + sum(before))
        assert each.sightings > 1000
        assert each.seconds > 0
    # A cap of 100 is passed by what runs when it is reached; counters stop the second at once.
    assert cap.by_shape()["pumping to one callee"].spent > 100
    assert sips.by_shape()["pumping to one callee"].seconds < 600


def test_the_tables_and_the_file(results, tmp_path, capsys):
    measure.show("A test", results)
    measure.write(results, tmp_path / "new" / "fraud.json")
    shown = capsys.readouterr().out
    assert "pumping to one callee" in shown
    assert "measured on 6 without attack" in shown
    written = json.loads((tmp_path / "new" / "fraud.json").read_text())
    assert [each["detector"] for each in written] == ["opensips", "cap100"]
    attack = written[0]["attacks"][1]
    assert attack["shape"] == "pumping to one callee"
    assert attack["rules"]
    assert attack["stopped_after"] > 0


def test_nobody_stops_anything_where_there_is_no_detector():
    (result,) = measure.run([WORLD], ["none"])
    assert Summary(result.damages).found == 0
    assert Summary(result.damages).spent > 200


def test_the_command(monkeypatch, tmp_path, capsys):
    asked = []

    def worlds(*ordinary: int) -> tuple[World, ...]:
        asked.append(ordinary)
        return (WORLD,)

    monkeypatch.setattr(tuning, "worlds", worlds)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["traffic", "--detector", "cap50", "--ordinary", "2"])
    command.main()
    assert asked == [(2,)]
    assert "Fraud, set tuning" in capsys.readouterr().out
    written = json.loads(Path("build/bench/fraud-tuning.json").read_text())
    assert [each["detector"] for each in written] == ["cap50"]


def imported(source: str) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
    return names


def test_nothing_imports_what_is_held_out():
    sources = [file.read_text(encoding="utf-8") for file in TESTS.rglob("*.py")]
    naming = [source for source in sources if "held_out" in source]
    assert naming
    assert not [name for each in naming for name in imported(each) if "traffic.held_out" in name]
