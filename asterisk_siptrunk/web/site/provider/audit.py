"""Who changed what, and when."""

import csv
from collections.abc import Iterable, Iterator
from io import StringIO
from urllib.parse import urlencode

from starlette.responses import Response, StreamingResponse

from asterisk_siptrunk.account import Right
from asterisk_siptrunk.bootstrap import audit
from asterisk_siptrunk.spreadsheet import harmless, in_utc
from asterisk_siptrunk.web.given import asked, asked_day, asked_id, begin_of
from asterisk_siptrunk.web.pages import Pages
from asterisk_siptrunk.web.view import View

PAGES = Pages()
MOST = 50
NOUNS = (
    *("account", "anomaly", "carrier", "customer", "notice", "number", "offer", "pbx", "rate"),
    *("rule", "server", "token", "trunk"),
)
_AT_ONCE = 1000
_FIELDS = ("noun", "name", "author", "since", "until")


@PAGES.get("/provider/audit", Right.SEE_ALL)
def show_audit(view: View) -> Response:
    """The newest changes first, a piece at a time."""
    with view.reading() as connection:
        found = audit.piece(connection, _wanted(view), asked_id(view, "before"), MOST + 1)
    shown = found[:MOST]
    return view.page(
        "provider/audit.html",
        entries=[entry for _, entry in shown],
        nouns=NOUNS,
        asked={name: asked(view, name) or "" for name in _FIELDS},
        query=_query(view),
        older=shown[-1][0] if len(found) > MOST else None,
    )


@PAGES.get("/provider/audit.csv", Right.SEE_ALL)
def audit_as_csv(view: View) -> Response:
    """All of what was asked for, for a spreadsheet."""
    headers = {"Content-Disposition": 'attachment; filename="audit.csv"'}
    return StreamingResponse(_csv(view), media_type="text/csv; charset=utf-8", headers=headers)


def _wanted(view: View) -> audit.AuditFilter:
    return audit.AuditFilter(
        noun=asked(view, "noun"),
        name=asked(view, "name"),
        author=asked(view, "author"),
        since=begin_of(view, asked_day(view, "since")),
        until=begin_of(view, asked_day(view, "until"), days=1),
    )


def _query(view: View) -> str:
    return urlencode({name: value for name in _FIELDS if (value := asked(view, name))})


def _csv(view: View) -> Iterator[str]:
    """Piece by piece: memory stays flat, and no reading lasts long."""
    yield _lines([("at", "author", "noun", "name", "change")])
    wanted, before = _wanted(view), None
    while True:
        with view.reading() as connection:
            found = audit.piece(connection, wanted, before, _AT_ONCE)
        if not found:
            return
        before = found[-1][0]
        yield _lines(_row(entry) for _, entry in found)


def _row(entry: audit.AuditEntry) -> tuple[str, ...]:
    texts = (entry.author, entry.noun, entry.name, entry.change)
    return (in_utc(entry.at), *map(harmless, texts))


def _lines(rows: Iterable[tuple[str, ...]]) -> str:
    out = StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
