"""Invoices on A4 pages.

The font that comes along is DejaVu Sans, cut down to the Latin (all European languages and
Vietnamese), Greek and Cyrillic scripts. fontTools made it of DejaVu 2.37, and so the bold one::

    pyftsubset DejaVuSans.ttf --no-hinting --layout-features='' --unicodes="U+0020-024F,
      U+0370-03FF,U+0400-052F,U+1E00-1EFF,U+2000-206F,U+20A0-20BF,U+2100-214F,U+2190-2193,
      U+2212,U+2248,U+2260-2265,U+FFFD"

A character of another script is a box on paper; XML, CSV and JSON have it as it is.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import as_file, files
from io import BytesIO
from typing import Any
from xml.sax.saxutils import escape  # writes markup, reads none # nosec B406

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_RIGHT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.lib.utils import simpleSplit
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from asterisk_siptrunk.billing.invoice import InvoiceDocument, Party
from asterisk_siptrunk.billing.line import Line
from asterisk_siptrunk.billing.money import figure
from asterisk_siptrunk.documents.words import days, plain, quantity

_FONT, _BOLD = "DejaVuSans", "DejaVuSans-Bold"
_INK, _GREY, _PALE = HexColor("#1d2733"), HexColor("#5b6673"), HexColor("#d5dae0")
_SIDE, _TOP, _FOOT = 18 * mm, 30 * mm, 22 * mm
_WIDTH = A4[0] - 2 * _SIDE
_PADDING = 6
"""Points that reportlab leaves free within its margins."""
# Text, quantity, unit price, part, amount: so that the widest amount fits on one line.
_COLUMNS = tuple(_WIDTH * part for part in (0.43, 0.15, 0.14, 0.12, 0.16))
_SUMS = tuple(_WIDTH * part for part in (0.43, 0.35, 0.22))

_TEXT = ParagraphStyle("text", fontName=_FONT, fontSize=8.5, leading=11.5, textColor=_INK)
_BOLD_TEXT = ParagraphStyle("bold", _TEXT, fontName=_BOLD)
_SMALL = ParagraphStyle("small", _TEXT, fontSize=7, leading=9.5, textColor=_GREY)
_RIGHT = ParagraphStyle("right", _TEXT, alignment=TA_RIGHT)
_BOLD_RIGHT = ParagraphStyle("bold-right", _BOLD_TEXT, alignment=TA_RIGHT)
_TITLE = ParagraphStyle("title", _BOLD_TEXT, fontSize=16, leading=22)


def render(document: InvoiceDocument) -> bytes:
    """The document as PDF; nothing in it depends on when or where it is made."""
    _have_fonts()
    file = BytesIO()
    template = SimpleDocTemplate(
        file,
        pagesize=A4,
        leftMargin=_SIDE - _PADDING,
        rightMargin=_SIDE - _PADDING,
        topMargin=_TOP,
        bottomMargin=_FOOT,
        title=f"{document.title} {document.number}",
        author=document.seller.name,
        creator="asterisk-siptrunk",
        invariant=1,
        initialFontName=_FONT,
    )

    def canvas(*arguments: Any, **options: Any) -> _Pages:  # noqa: ANN401 - reportlab's
        return _Pages(document, *arguments, **options)

    template.build(list(_story(document)), canvasmaker=canvas)
    return file.getvalue()


@cache
def _have_fonts() -> None:
    for name in (_FONT, _BOLD):
        with as_file(files(__package__) / "data" / f"{name}.ttf") as path:
            pdfmetrics.registerFont(TTFont(name, path))


class _Pages(Canvas):  # type: ignore[misc] # reportlab has no types
    """Keeps all pages until their number is known, and then puts head and foot on each."""

    def __init__(self, document: InvoiceDocument, *arguments: Any, **options: Any) -> None:  # noqa: ANN401
        super().__init__(*arguments, **options)
        self._document = document
        self._kept: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - reportlab's name
        """Keep the page as it is."""
        self._kept.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        """Give out all pages."""
        kept = self._kept
        for number, page in enumerate(kept, 1):
            self.__dict__.update(page)
            self._draw_frame(f"page {number} of {len(kept)}")
            super().showPage()
        super().save()

    def _draw_frame(self, number: str) -> None:
        document, right = self._document, A4[0] - _SIDE
        head, foot = A4[1] - 16 * mm, 13 * mm
        title = f"{document.title} {document.number}"
        self.setFillColor(_INK)
        self.setFont(_BOLD, 8.5)
        self.drawString(_SIDE, head, _fitting(document.seller.name, _WIDTH * 0.6))
        self.setFont(_FONT, 8.5)
        self.drawRightString(right, head, title)
        self.setStrokeColor(_PALE)
        self.line(_SIDE, head - 3 * mm, right, head - 3 * mm)
        self.line(_SIDE, foot + 4 * mm, right, foot + 4 * mm)
        self.setFillColor(_GREY)
        self.setFont(_FONT, 7)
        self.drawString(_SIDE, foot, _fitting(_known_as(document.seller), _WIDTH * 0.75))
        self.drawRightString(right, foot, number)


def _fitting(text: str, width: float) -> str:
    """As much of a text as has room on one line."""
    return next(iter(simpleSplit(text, _BOLD, 8.5, width)), "")


def _known_as(party: Party) -> str:
    tax_id = f"VAT {party.tax_id}" if party.tax_id else ""
    return " · ".join(each for each in (party.name, tax_id, party.email) if each)


def _story(document: InvoiceDocument) -> Iterator[Flowable]:
    yield Paragraph(_safe(f"{document.title} {document.number}"), _TITLE)
    yield Spacer(0, 4 * mm)
    yield _parties(document)
    yield Spacer(0, 6 * mm)
    yield _facts(document)
    yield Spacer(0, 6 * mm)
    yield _lines(document)
    yield Spacer(0, 2 * mm)
    yield _sums(document)
    for text in (document.untaxed, document.terms, *document.remarks):
        if text:
            yield Spacer(0, 3 * mm)
            yield Paragraph(_safe(text), _TEXT)


def _safe(text: str) -> str:
    """A text of ours or of a customer's, which is no markup."""
    return escape(text)


def _parties(document: InvoiceDocument) -> Table:
    both = (("From", document.seller), ("To", document.buyer))
    cells = [[list(_party(title, party)) for title, party in both]]
    return Table(cells, colWidths=(_WIDTH / 2, _WIDTH / 2), style=_flush())


def _party(title: str, party: Party) -> Iterator[Paragraph]:
    yield Paragraph(title, _SMALL)
    yield Paragraph(_safe(party.name), _BOLD_TEXT)
    for line in (*party.address, party.country):
        yield Paragraph(_safe(line), _TEXT)
    if party.tax_id:
        yield Paragraph(_safe(f"VAT {party.tax_id}"), _TEXT)
    if party.email:
        yield Paragraph(_safe(party.email), _TEXT)


def _facts(document: InvoiceDocument) -> Table:
    facts = [
        ("Issued", str(document.issued)),
        ("Trunk", document.trunk),
        ("Period", days(document.since, document.until)),
    ]
    if document.credits:
        facts.append(("Gives back invoice", document.credits))
    else:
        facts.insert(1, ("Due", str(document.due)))
    cells = [[Paragraph(what, _SMALL) for what, _ in facts]]
    cells.append([Paragraph(_safe(value), _TEXT) for _, value in facts])
    return Table(cells, colWidths=[_WIDTH / len(facts)] * len(facts), style=_flush())


def _flush(*more: Sequence[object]) -> TableStyle:
    """A table whose text begins where the text around it does."""
    base = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
        ("TOPPADDING", (0, 0), (-1, -1), 2),
        ("BOTTOMPADDING", (0, 0), (-1, -1), 2),
    ]
    return TableStyle([*base, *more])


def _lines(document: InvoiceDocument) -> Table:
    currency = document.currency
    heads = ("Description", "Quantity", f"Price, {currency}", "Part", f"Amount, {currency}")
    rows = [[_cell(head, _BOLD_TEXT if at == 0 else _BOLD_RIGHT) for at, head in enumerate(heads)]]
    rows += [_row(line, document) for line in document.lines]
    rules = ("LINEBELOW", (0, 0), (-1, -1), 0.5, _PALE)
    # A text of more than a page is split, and the head comes again on each page.
    return Table(rows, colWidths=_COLUMNS, repeatRows=1, splitInRow=1, style=_flush(rules))


def _row(line: Line, document: InvoiceDocument) -> list[object]:
    text: list[Paragraph] = [_cell(line.text, _TEXT)]
    if (line.since, line.until) != (document.since, document.until):
        text.append(_cell(days(line.since, line.until), _SMALL))
    figures = (
        quantity(line),
        figure(line.unit_price, document.currency),
        line.part_in_words,
        figure(line.amount, document.currency),
    )
    return [text, *(_cell(figure, _RIGHT) for figure in figures)]


def _cell(text: str, style: ParagraphStyle) -> Paragraph:
    return Paragraph(_safe(text), style)


def _sums(document: InvoiceDocument) -> Table:
    totals = document.totals
    sums = [
        ("Net", totals.net),
        (f"Tax {plain(totals.percent)} %", totals.tax),
        ("Total", totals.gross),
    ]
    if document.paid:
        sums += [("Paid", -document.paid), ("To be paid", document.unpaid)]
    last = len(sums) - 1
    rows = [
        [
            "",
            _cell(f"{what}, {document.currency}", _BOLD_TEXT if at == last else _TEXT),
            _cell(
                figure(amount, document.currency),
                _BOLD_RIGHT if at == last else _RIGHT,
            ),
        ]
        for at, (what, amount) in enumerate(sums)
    ]
    rule = ("LINEABOVE", (1, last), (-1, last), 0.5, _INK)
    # The sums stay together: a total alone on a page is no use.
    return Table(rows, colWidths=_SUMS, style=_flush(rule, ("NOSPLIT", (0, 0), (-1, -1))))
