"""Every sentence that pages say is there in every other language, with the same values in it."""

from pathlib import Path

import pytest
from babel.messages.pofile import read_po

from asterisk_siptrunk.web.words import LANGUAGES, translations
from tests.words import LOCALE, placeholders, renew, sentences, texts

FILES = sorted(LOCALE.glob("*/LC_MESSAGES/siptrunk.po"))


def test_each_language_but_the_code_s_own_has_a_file():
    assert {file.parts[-3] for file in FILES} == LANGUAGES.keys() - {"en"}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.parts[-3])
def test_every_sentence_is_translated(file: Path):
    with file.open("rb") as lines:
        kept = {
            one.id if isinstance(one.id, str) else tuple(one.id): one.string
            for one in read_po(lines)
            if one.id
        }
    # "make words" brings new sentences into the file, for somebody to translate.
    assert kept.keys() == sentences()
    for said, translated in kept.items():
        for ours, theirs in zip(texts(said), texts(translated), strict=True):
            assert theirs, f"not translated: {ours}"
            assert placeholders(theirs) == placeholders(ours), ours


def test_a_page_is_read_in_french():
    french = translations("fr")
    assert french.gettext("Log in") == "Se connecter"
    assert french.ngettext("%(n)s channel", "%(n)s channels", 2) == "%(n)s canaux"


def test_new_sentences_wait_in_the_file(tmp_path: Path):
    file = tmp_path / "fr/LC_MESSAGES/siptrunk.po"
    file.parent.mkdir(parents=True)
    file.write_bytes(FILES[0].read_bytes().replace(b'"Se connecter"', b'""'))
    assert renew(file) == ["Log in"]
    assert renew(file) == ["Log in"]


def test_sentences_are_found_where_a_name_stands_for_them():
    found = sentences()
    for one in (
        "This address, password or code is wrong.",  # a constant
        "Invoice %(number)s: %(amount)s are to be paid until %(day)s.",  # a branch
        "It rang.",  # in a list that is gone through
        "The number was busy.",  # of a room
    ):
        assert one in found
    assert ("%(n)s channel", "%(n)s channels") in found
