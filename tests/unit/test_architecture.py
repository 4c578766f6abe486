"""Who may import whom, as the picture of the rooms has it."""

import ast
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "asterisk_siptrunk"
NAME = PACKAGE.name

# A name with a dot is one module: it says what one side asks of another, and holds no more.
BASE = {"errors", "settings"}
ROOMS = {"destination", "trunk", "call"}
PURE = ROOMS | {"account", "anomaly", "billing", "notice"}
EVERYTHING = BASE | PURE | {"generation", "asterisk", "database", "delivery", "documents", "web"}
KNOWS = {
    "errors": set(),
    "settings": {"errors"},
    "whole_file": set(),
    "spreadsheet": set(),
    "typed": {"errors", "account", "destination", "trunk", "billing"},
    "destination": {"errors"},
    "trunk": {"errors"},
    "call": {"errors", "destination", "trunk"},
    "account": {"errors"},
    "anomaly": {"errors"} | ROOMS,
    "billing": {"errors"} | ROOMS,
    "notice": {"errors"},
    "generation": BASE
    | {"destination", "trunk", "asterisk.variables", "asterisk.events", "whole_file"},
    "asterisk": BASE | ROOMS | {"generation.server"},
    "database": BASE | PURE | {"generation.inventory", "whole_file"},
    "documents": {"errors", "billing"},
    "delivery": BASE | {"notice"},
    "web": BASE | PURE | {"bootstrap", "spreadsheet", "typed"},
    "cli": BASE | PURE | {"generation", "bootstrap", "spreadsheet", "typed", "whole_file"},
    # The wiring: what stands in no room and in no edge.
    "bootstrap": EVERYTHING | {"admission_service", "billing_run", "daemon", "proving"},
    "proving": EVERYTHING,
    "billing_run": EVERYTHING | {"proving"},
    "admission_service": EVERYTHING,
    "desk": EVERYTHING | {"admission_service"},
    "beat": EVERYTHING,
    "notify": set(),
    "metrics": EVERYTHING,
    "follow": EVERYTHING,
    "deliver": EVERYTHING,
    "watch_over": EVERYTHING,
    "daemon": EVERYTHING
    | {"admission_service", "beat", "deliver", "desk", "follow", "metrics", "notify", "watch_over"},
}
LIBRARIES = {
    "destination": {"phonenumbers"},
    "call": {"phonenumbers"},
    "typed": {"phonenumbers"},
    "account": {"argon2", "pyotp"},
    "generation": {"jinja2"},
    "asterisk": {"panoramisk", "asterisk"},  # pyst2 calls itself asterisk
    "database": {"sqlalchemy", "alembic"},
    "web": {
        "starlette",
        "uvicorn",
        "fastapi",
        "pydantic",
        "jinja2",
        "babel",
        "segno",
        "sqlalchemy",
    },
    "documents": {"reportlab", "drafthorse"},
    "cli": {"click", "rich", "phonenumbers", "sqlalchemy"},
    "bootstrap": {"sqlalchemy"},
    "proving": {"sqlalchemy"},
    "billing_run": {"sqlalchemy"},
    "admission_service": {"sqlalchemy"},
    "beat": {"sqlalchemy"},
    "metrics": {"sqlalchemy", "prometheus_client"},
    "deliver": {"sqlalchemy"},
    "watch_over": {"sqlalchemy"},
    "daemon": {"sqlalchemy", "uvloop"},
}
# A pure room is told the time and the settings, and opens nothing but its packaged data.
OUTSIDE = {"os", "time", "socket", "subprocess", "threading", "asyncio", "sqlite3", "random"}


def modules() -> list[Path]:
    return [
        file
        for file in sorted(PACKAGE.rglob("*.py"))
        if file.parent != PACKAGE or file.stem != "__init__"
    ]


def owner(file: Path) -> str:
    return file.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(file: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def may(me: str, name: str) -> bool:
    first, *rest = name.split(".")
    if first == NAME:
        return not rest or bool({rest[0], ".".join(rest[:2])} & {*KNOWS[me], me})
    if first in sys.stdlib_module_names:
        return me not in PURE or first not in OUTSIDE
    return first in LIBRARIES.get(me, ())


@pytest.mark.parametrize("file", modules(), ids=lambda file: str(file.relative_to(PACKAGE)))
def test_a_module_knows_only_what_its_room_may(file):
    assert [name for name in sorted(imports(file)) if not may(owner(file), name)] == []


@pytest.mark.parametrize("room", sorted(PURE))
def test_a_room_reads_no_clock(room):
    for file in (PACKAGE / room).rglob("*.py"):
        assert not {"now", "utcnow", "today"} & {
            node.func.attr
            for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }, file
