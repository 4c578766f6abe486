"""`siptrunk config`."""

import re
import stat

import pytest

from asterisk_siptrunk.cli import config
from tests.unit.cli.conftest import OWN_FILES

pytestmark = pytest.mark.usefixtures("asterisk")


def digest_of(run, tmp_path):
    """What the database checks the trunk's secret with: it must not be shown either."""
    run("config", "render", "--output", str(tmp_path / "out"))
    whole = "".join(file.read_text() for file in (tmp_path / "out").iterdir())
    return next(line for line in whole.splitlines() if "password_digest" in line).partition(":")[2]


def test_a_plan_without_asterisk_s_own_file_says_what_is_missing_and_no_more(
    acme, asterisk, tmp_path
):
    del asterisk
    (tmp_path / "etc" / "asterisk.conf").unlink()
    told = acme("config", "plan", fails=1).stderr
    assert "there is no asterisk.conf" in told
    assert "nothing was changed" not in told  # a plan changes nothing anyway


def test_render_to_a_folder_holds_all_and_to_stdout_no_secret(acme, tmp_path):
    acme("config", "render", "--output", str(tmp_path / "out"))
    files = {file.name: file for file in (tmp_path / "out").iterdir()}
    assert {"pjsip.conf", "extensions.conf", "manager.conf"} <= set(files)
    assert {stat.S_IMODE(file.stat().st_mode) for file in files.values()} == {0o640}
    assert "trunk-acme-paris" in "".join(file.read_text() for file in files.values())
    shown = acme("config", "render").stdout
    assert "trunk-acme-paris" in shown
    assert digest_of(acme, tmp_path) not in shown


def test_render_into_no_folder(acme, tmp_path):
    (tmp_path / "file").touch()
    said = acme("config", "render", "--output", str(tmp_path / "file" / "out"), fails=1).stderr
    assert "Not a directory" in said


def test_plan_shows_a_diff_and_changes_nothing(acme, tmp_path):
    done = acme("config", "plan", "--all")
    assert "+[trunk-acme-paris]" in done.stdout
    assert "1 new (acme-paris)" in done.stderr
    assert not (tmp_path / "etc" / "siptrunk").exists()


def test_plan_folds_new_files_and_shows_changed_ones(acme):
    folded = acme("config", "plan").stdout.splitlines()
    assert len(folded) < 20
    assert all(re.fullmatch(r"\+ [a-z_0-9]+\.conf, [0-9,]+ lines", line) for line in folded)
    acme("config", "apply", "--yes")
    acme("trunk", "set", "acme-paris", "--address", "192.0.2.0/24")
    assert "+permit = 192.0.2.0/24" in acme("config", "plan").stdout


OTHER_GLOBAL = "[global]\ntype=global\n[own]\ntype=transport\nbind=0.0.0.0\n"


@pytest.mark.parametrize("command", [("plan",), ("check",), ("apply", "--yes")])
def test_what_was_added_to_pjsip_later_is_refused(acme, asterisk, tmp_path, command):
    acme("config", "install", "--yes")
    acme("config", "apply", "--yes")
    asterisk.reloads.clear()
    own = tmp_path / "etc" / "pjsip.conf"
    own.write_text(OTHER_GLOBAL + own.read_text())
    said = acme("config", *command, fails=1).stderr
    assert "global_section = false" in said
    assert "sip_port = 0" in said
    assert asterisk.reloads == []


@pytest.mark.parametrize("command", [("check",), ("apply", "--yes")])
def test_certificate_that_is_not_there_is_refused(acme, tmp_path, command):
    acme.environment["SIPTRUNK_ASTERISK_TLS_CERTIFICATE"] = str(tmp_path / "sip.pem")
    acme.environment["SIPTRUNK_ASTERISK_TLS_KEY"] = str(tmp_path / "sip.pem")
    assert "sip.pem is not there" in acme("config", *command, fails=1).stderr
    (tmp_path / "sip.pem").touch()
    acme("config", *command)


def test_check_finds_nothing_wrong(acme):
    assert "no problem found" in acme("config", "check").stderr


def test_apply_then_nothing_is_left_to_do(acme, asterisk):
    assert "Applied" in acme("config", "apply", "--yes").stderr
    asterisk.reloads.clear()
    assert "lack 6 of our lines" in acme("config", "apply").stderr
    acme("config", "install", "--yes")
    done = acme("config", "apply").stderr
    assert "Nothing to change" in done
    assert "lack" not in done
    assert asterisk.reloads == []
    assert acme("config", "plan").stdout == ""


def test_apply_with_nothing_to_change_has_the_journal_kept(acme, asterisk):
    acme("config", "install", "--yes")
    acme("config", "apply", "--yes")
    asterisk.keeps_journal = asterisk.may_load = False
    assert "module load cdr_custom.so" in acme("config", "apply").stderr
    asterisk.may_load = True
    assert "Warning" not in acme("config", "apply").stderr
    assert asterisk.keeps_journal


def test_apply_asks_first(acme, tmp_path):
    acme("config", "apply", stdin="n\n", fails=1)
    assert not (tmp_path / "etc" / "siptrunk").exists()
    acme("config", "apply", stdin="y\n")


def test_apply_that_asterisk_refuses_changes_nothing(acme, asterisk):
    acme("config", "apply", "--yes")
    acme("trunk", "set", "acme-paris", "--address", "192.0.2.0/24")
    asterisk.refuses = True
    assert "back in place" in acme("config", "apply", "--yes", fails=1).stderr
    assert "192.0.2.0" in acme("config", "plan").stdout


def test_rollback_and_back_again(acme):
    acme("config", "apply", "--yes")
    acme("trunk", "set", "acme-paris", "--address", "192.0.2.0/24")
    acme("config", "apply", "--yes")
    assert "-" in acme("config", "rollback", "--yes").stdout
    assert "1 changed (acme-paris)" in acme("config", "plan").stderr
    acme("config", "rollback", "--yes")
    assert "Our files are as they should be" in acme("config", "plan").stderr


def test_rollback_without_a_generation_before(acme):
    assert "no generation before" in acme("config", "rollback", "--yes", fails=1).stderr


def texts(folder):
    return {file.name: file.read_text() for file in folder.iterdir() if file.is_file()}


def test_install_shows_each_line_and_lets_us_in(acme, tmp_path):
    etc = tmp_path / "etc"
    shown = acme("config", "install", stdin="n\n", fails=1).stdout
    assert texts(etc) == OWN_FILES
    assert f"+ {etc}/pjsip.conf: #include siptrunk/pjsip.conf" in shown
    assert acme("config", "install", "--yes").stdout == shown.removesuffix("Aborted!\n")
    assert "[siptrunk-apply]" in (etc / "siptrunk" / "manager.conf").read_text()
    assert (etc / "siptrunk" / "pjsip.conf").read_text() == ""
    assert "Nothing to put in" in acme("config", "install").stderr


def test_install_writes_our_manager_users_anew_where_their_secrets_changed(acme, tmp_path):
    acme("config", "install", "--yes")
    acme("config", "apply", "--yes")
    acme.environment["SIPTRUNK_SECRETS_AMI_APPLY"] = "another"
    said = acme("config", "install", "--yes")
    assert "our users of the manager interface" in said.stdout
    assert "manager reload" in said.stderr
    assert "another" in (tmp_path / "etc" / "siptrunk" / "manager.conf").read_text()
    assert "Nothing to put in" in acme("config", "install").stderr
    acme("config", "apply", "--yes")
    assert "Nothing to change" in acme("config", "apply").stderr


def test_install_then_apply_then_uninstall(acme, tmp_path):
    acme("config", "install", "--yes")
    acme("config", "apply", "--yes")
    assert "trunk-acme-paris" in acme("config", "render").stdout
    assert "no generation before" in acme("config", "rollback", "--yes", fails=1).stderr
    acme.environment["SIPTRUNK_ASTERISK_DEDICATED"] = "true"
    acme("config", "apply", "--yes")
    said = acme("config", "uninstall", "--yes").stderr
    assert f"rm -r {tmp_path / 'etc' / 'siptrunk'}" in said
    assert "come back when Asterisk is restarted" in said
    assert not any("siptrunk" in text for text in texts(tmp_path / "etc").values())
    for command in ("plan", "apply"):
        said = acme("config", command).stderr
        assert "Nothing to change" not in said
        assert "lack 6 of our lines" in said
    assert "Nothing to take out" in acme("config", "uninstall").stderr


def test_install_into_no_asterisk(acme, tmp_path):
    (tmp_path / "etc" / "asterisk.conf").unlink()
    assert "there is no asterisk.conf" in acme("config", "install", fails=1).stderr


@pytest.mark.parametrize(
    ("complaints", "fails", "said"),
    [([], 0, "without complaint"), (["ERROR: no such thing"], 1, "ERROR: no such thing")],
)
def test_check_tries_the_files_in_an_asterisk_at_hand(acme, monkeypatch, complaints, fails, said):
    monkeypatch.setattr(config, "has_asterisk", lambda _asterisk: True)
    monkeypatch.setattr(config, "try_out", lambda _files, _asterisk: complaints)
    assert said in acme("config", "check", fails=fails).stderr
