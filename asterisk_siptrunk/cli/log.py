"""How the service writes its log: a line a record, whatever stands in it.

A record about a call has the call's id (Asterisk's UniqueID) as its field `call`, and its trunk as
`trunk` where that is known: `log.warning("…", extra={"call": …, "trunk": …})`.

Numbers, names and user agents come from callers, and a line break in one must begin no line that
looks like ours: in text whatever cannot be printed is written as its escape, and a traceback is
indented; JSON escapes by itself.
"""

import json
import logging
from datetime import UTC, datetime

from asterisk_siptrunk.settings import LogSettings

_FIELDS = ("call", "trunk")
_INDENT = "    "
# They tell of each connection, of how the schema is read, of the kind of event loop, of each step.
_TALKATIVE = ("panoramisk", "alembic", "asyncio", "uvicorn")


def begin_log(settings: LogSettings) -> None:
    """Write to stderr from now on."""
    handler = logging.StreamHandler()
    handler.setFormatter(_JsonLine() if settings.format == "json" else _TextLine())
    logging.basicConfig(level=settings.level.upper(), handlers=[handler])
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


class _TextLine(logging.Formatter):
    """`LEVEL logger: message call=… trunk=…`; the time is added by systemd's journal."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and an indented traceback where there is one."""
        parts = [f"{record.levelname} {record.name}: {record.getMessage()}"]
        parts += [f"{key}={value}" for key, value in _fields(record).items()]
        told = [_printable(" ".join(parts))]
        told += [_INDENT + _printable(line) for line in self._traceback(record).splitlines()]
        return "\n".join(told)

    def _traceback(self, record: logging.LogRecord) -> str:
        return self.formatException(record.exc_info) if record.exc_info else ""


class _JsonLine(logging.Formatter):
    """One object a line: `at` in UTC, `level`, `logger`, `message`, and the fields."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        told = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            told["traceback"] = self.formatException(record.exc_info)
        return json.dumps(told)


def _fields(record: logging.LogRecord) -> dict[str, str]:
    return {key: str(record.__dict__[key]) for key in _FIELDS if record.__dict__.get(key)}


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
