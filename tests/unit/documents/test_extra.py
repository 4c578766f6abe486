"""A server without the extra `invoices`."""

import sys

import pytest

from asterisk_siptrunk import documents
from asterisk_siptrunk.documents import to_csv, to_factur_x, to_json, to_pdf, to_xml
from asterisk_siptrunk.errors import InvalidInput
from tests.unit.documents.samples import invoice

NEEDS = [(to_pdf, "reportlab"), (to_factur_x, "drafthorse"), (to_xml, "drafthorse")]


@pytest.fixture
def bare(monkeypatch):
    """No library of the extra, and no module of ours that needs one, has been imported yet."""
    for name in list(sys.modules):
        if name.partition(".")[0] in {"reportlab", "drafthorse"}:
            monkeypatch.delitem(sys.modules, name)
    for name in ("pdf", "factur_x"):
        monkeypatch.delitem(sys.modules, f"{documents.__name__}.{name}", raising=False)
        monkeypatch.delattr(documents, name, raising=False)
    for name in ("reportlab", "drafthorse"):
        monkeypatch.setitem(sys.modules, name, None)


@pytest.mark.usefixtures("bare")
@pytest.mark.parametrize(("make", "library"), NEEDS)
def test_what_to_install_is_said(make, library):
    with pytest.raises(InvalidInput, match=rf"library {library}.*'asterisk-siptrunk\[invoices\]'"):
        make(invoice())


@pytest.mark.usefixtures("bare")
def test_tables_need_none():
    assert to_csv(invoice())
    assert to_json(invoice())
