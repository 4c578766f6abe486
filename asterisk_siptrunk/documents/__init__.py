"""Invoices and credit notes as files: PDF, Factur-X (EN 16931), CSV and JSON.

The libraries of PDF and XML are the extra `invoices`, which not every server has: they are
imported when such a file is made.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from asterisk_siptrunk.billing.invoice import InvoiceDocument
from asterisk_siptrunk.documents.tables import to_csv, to_json
from asterisk_siptrunk.errors import InvalidInput

__all__ = ["has_extra", "to_csv", "to_factur_x", "to_json", "to_pdf", "to_xml"]


def has_extra() -> bool:
    """Whether the extra `invoices` is installed, without which there is no PDF and no XML."""
    return all(find_spec(library) is not None for library in ("reportlab", "drafthorse"))


def to_pdf(document: InvoiceDocument) -> bytes:
    """A document on A4 pages, the same bytes each time.

    Raises:
        InvalidInput: the extra `invoices` is not installed.
    """
    with _extra():
        from asterisk_siptrunk.documents.pdf import render  # noqa: PLC0415 - see above
    return render(document)


def to_xml(document: InvoiceDocument) -> bytes:
    """A document as EN 16931 has it, in the syntax of Factur-X (UN/CEFACT CII).

    Raises:
        InvalidInput: the extra is not installed, or the document lacks what the standard asks for.
    """
    with _extra():
        from asterisk_siptrunk.documents.factur_x import render  # noqa: PLC0415
    return render(document)


def to_factur_x(document: InvoiceDocument) -> bytes:
    """The PDF with the XML in it: one file for people and for their accounting.

    Raises:
        InvalidInput: as in `to_xml`.
    """
    with _extra():
        from asterisk_siptrunk.documents.factur_x import attach  # noqa: PLC0415
    return attach(to_pdf(document), document)


@contextmanager
def _extra() -> Iterator[None]:
    try:
        yield
    except ModuleNotFoundError as error:
        library = (error.name or "").partition(".")[0]
        raise InvalidInput(
            f"Invoices as PDF and XML need the library {library}, which is not installed: "
            "pip install 'asterisk-siptrunk[invoices]'. CSV and JSON need none."
        ) from None
