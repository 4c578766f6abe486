from pathlib import Path

import pytest

from asterisk_siptrunk.errors import ConfigurationError
from asterisk_siptrunk.generation.install import (
    install,
    install_edits,
    uninstall,
    uninstall_edits,
)
from asterisk_siptrunk.generation.store import Store
from tests.unit.generation.samples import settings

FILES = {
    "asterisk.conf": "[options]\n",
    "modules.conf": "[modules]\nautoload=yes\n",
    "pjsip.conf": "; the admin's own\n",
    "extensions.conf": "[general]\n\n[default]\nexten => 100,1,Hangup()",
    "manager.conf": '[general]\nenabled = yes\n#include "manager.d/*.conf" \n',
    "cdr.conf": "[general]\nenable=yes\n",
    "cdr_custom.conf": "[mappings]\nown.csv => ${CDR(src)}\n",
}


@pytest.fixture
def etc(tmp_path):
    (tmp_path / "manager.d").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def asterisk(folder: Path, **changed: object):
    return settings(folder, **changed).asterisk


def texts(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): p.read_text() for p in folder.rglob("*.conf")}


def test_one_line_each_shown_first(etc):
    shown = [str(edit).removeprefix(f"{etc}/") for edit in install_edits(asterisk(etc))]
    assert shown == [
        "pjsip.conf: #include siptrunk/pjsip.conf",
        "extensions.conf: #include siptrunk/extensions.conf",
        "cdr.conf: #include siptrunk/cdr.conf",
        "manager.d/siptrunk.conf: #include siptrunk/manager.conf",
        "manager.conf, after [general]: #include siptrunk/manager_general.conf",
        "cdr_custom.conf, after [mappings]: #include siptrunk/cdr_custom_mapping.conf",
    ]
    assert texts(etc) == FILES


def test_installed_once_and_removed_again(etc):
    (etc / "pjsip.conf").chmod(0o600)
    store = Store(etc)
    install(install_edits(asterisk(etc)), store)
    assert (etc / "pjsip.conf").read_text() == "; the admin's own\n#include siptrunk/pjsip.conf\n"
    assert (etc / "pjsip.conf").stat().st_mode & 0o777 == 0o600
    assert (etc / "siptrunk/pjsip.conf").read_text() == ""
    assert install_edits(asterisk(etc)) == ()
    uninstall(uninstall_edits(asterisk(etc)))
    left = {name: text for name, text in texts(etc).items() if "siptrunk/" not in name}
    assert left == FILES | {"extensions.conf": FILES["extensions.conf"] + "\n"}
    assert uninstall_edits(asterisk(etc)) == ()


def test_link_stays_a_link(etc):
    real = etc / "real.conf"
    (etc / "cdr.conf").rename(real)
    (etc / "cdr.conf").symlink_to(real)
    install(install_edits(asterisk(etc)), Store(etc))
    assert (etc / "cdr.conf").is_symlink()
    assert real.read_text().endswith("#include siptrunk/cdr.conf\n")


def test_bytes_that_are_no_text_stay(etc):
    (etc / "cdr.conf").write_bytes(b"; caf\xe9\r\n")
    install(install_edits(asterisk(etc)), Store(etc))
    assert (etc / "cdr.conf").read_bytes() == b"; caf\xe9\r\n#include siptrunk/cdr.conf\n"


def test_server_without_manager_folder_and_without_journal(etc):
    (etc / "manager.conf").write_text("[general]\nenabled=yes\n")
    (etc / "cdr_custom.conf").unlink()
    shown = [str(edit).removeprefix(f"{etc}/") for edit in install_edits(asterisk(etc))]
    assert "manager.conf: #include siptrunk/manager.conf" in shown
    assert "cdr_custom.conf: #include siptrunk/cdr_custom.conf" in shown


def test_what_stands_in_the_manager_section_goes_where_it_begins(etc):
    (etc / "manager.conf").write_text('#include "manager.d/*.conf"\n#include more.conf\n')
    (etc / "more.conf").write_text("; ours\n[General] ; all\nenabled = true\n[admin]\n")
    install(install_edits(asterisk(etc)), Store(etc))
    included = "; ours\n[General] ; all\n#include siptrunk/manager_general.conf\nenabled = true\n"
    assert (etc / "more.conf").read_text() == included + "[admin]\n"
    uninstall(uninstall_edits(asterisk(etc)))
    assert "siptrunk" not in (etc / "more.conf").read_text()


GLOBAL = "[global]\ntype=global\n"
ORDER = "endpoint_identifier_order=username,auth_username,ip\n"
TRANSPORT = "[t]\ntype=transport\nbind=0.0.0.0\n"


@pytest.mark.parametrize(
    ("name", "text", "changed", "sentence"),
    [
        ("pjsip.conf", GLOBAL + ORDER, {}, "global_section = false"),
        ("pjsip.conf", GLOBAL, {"global_section": False}, "add 'endpoint_identifier_order"),
        ("pjsip.conf", TRANSPORT, {}, "sip_port = 0"),
        ("pjsip.conf", "", {"sip_port": 0}, "opens no transport"),
        ("manager.conf", "[general]\nenabled=no\n", {}, "enabled = yes"),
        ("modules.conf", "[modules]\nautoload=yes\nnoload => chan_pjsip.so\n", {}, "chan_pjsip"),
        ("modules.conf", "[modules]\nautoload=no\n", {}, "load = chan_pjsip.so"),
    ],
)
def test_refused_with_what_to_do(etc, name, text, changed, sentence):
    (etc / name).write_text(text)
    with pytest.raises(ConfigurationError, match=sentence):
        install_edits(asterisk(etc, **changed))


def test_what_the_server_includes_counts(etc):
    (etc / "pjsip.conf").write_text("#include pjsip.d/*.conf\n")
    (etc / "pjsip.d").mkdir()
    (etc / "pjsip.d" / "a.conf").write_text(TRANSPORT)
    with pytest.raises(ConfigurationError, match="sip_port = 0"):
        install_edits(asterisk(etc))


def test_no_asterisk_there(tmp_path):
    with pytest.raises(ConfigurationError, match=r"no asterisk\.conf"):
        install_edits(asterisk(tmp_path))
