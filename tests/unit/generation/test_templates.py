import pytest

from asterisk_siptrunk.errors import TemplateFailed
from asterisk_siptrunk.generation.plan import render_all
from asterisk_siptrunk.generation.render import (
    dialled_patterns,
    takes_named_filters,
    takes_password_digest,
)
from asterisk_siptrunk.generation.templates import Templates
from tests.unit.generation.samples import Provider, settings

pytestmark = pytest.mark.usefixtures("few_patterns")


def test_site_template_stands_in_for_ours(tmp_path):
    (tmp_path / "cdr.conf.j2").write_text("[general]\nenable = no\n")
    files = render_all(Provider(), settings(templates=str(tmp_path)))
    assert files["cdr.conf"] == "[general]\nenable = no\n"
    assert files["pjsip_base.conf"] == render_all(Provider(), settings())["pjsip_base.conf"]


def test_changed_template_has_another_digest(tmp_path):
    ours = Templates().digest
    (tmp_path / "cdr.conf.j2").write_text("[general]\n")
    first = Templates(tmp_path).digest
    (tmp_path / "cdr.conf.j2").write_text("[general]\n\n")
    assert len({ours, first, Templates(tmp_path).digest}) == 3


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[general]\n{{ trunks_of_all }}\n", r"cdr\.conf\.j2:2: 'trunks_of_all' is undefined"),
        ("[general]\n\n{% if %}\n", r"cdr\.conf\.j2:3: "),
        ("{{ '\\n' }}", r"cdr\.conf: .*'\\n'"),
    ],
)
def test_broken_template_is_named_with_its_line(tmp_path, text, told):
    (tmp_path / "cdr.conf.j2").write_text(text)
    with pytest.raises(TemplateFailed, match=told):
        render_all(Provider(), settings(templates=str(tmp_path)))


@pytest.mark.parametrize(
    ("version", "digest", "filters"),
    [
        ((18, 25), False, False),
        ((18, 26), False, True),
        ((20, 10), False, False),
        ((20, 11), False, True),
        ((20, 12), True, True),
        ((21, 9), False, False),
        ((22, 0), False, False),
        ((22, 1), False, True),
        ((22, 2), True, True),
        ((23, 0), True, True),
    ],
)
def test_what_a_version_takes(version, digest, filters):
    assert takes_password_digest(version) is digest
    assert takes_named_filters(version) is filters


def test_what_is_admitted_as_dialled():
    patterns = dialled_patterns()
    assert patterns[0] == "_X"
    assert max(map(len, patterns)) == len("_+") + 20
    assert not any(character in pattern for pattern in patterns for character in ".!")
