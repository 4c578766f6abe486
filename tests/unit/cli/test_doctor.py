"""`siptrunk doctor`."""

import errno
import socket
from pathlib import Path

import pytest

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.cli import doctor
from tests.unit.cli.doctoring import at_step, ill


def test_a_provider_that_lacks_nothing(well):
    assert ill(well) == {}
    assert set(doctor._CHECKS) == {
        row["check"] for row in well("doctor", "--format", "json").data if row["check"] != "link"
    } | {"database-clock"}


def test_everything_wrong_at_once_is_told_at_once(siptrunk, asterisk, tmp_path):
    asterisk.away = True
    (tmp_path / "siptrunk.db").unlink()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    siptrunk.environment |= {"SIPTRUNK_AGI_PORT": port}
    found = ill(siptrunk, fails=1)
    for check in ("secrets", "database", "asterisk", "service"):
        assert found[check][0] == "fail"
    for check in ("away", "tls", "address", "configuration"):
        assert found[check] == ("skipped", "See database.")
    for check in ("generation", "transports", "records"):
        assert found[check] == ("skipped", "See asterisk.")


@pytest.mark.parametrize(
    ("file", "mode", "check"),
    [("siptrunk.toml", 0o644, "settings"), ("secrets.toml", 0o640, "secrets")],
)
def test_files_that_are_too_open(well, tmp_path, file, mode, check):
    (tmp_path / file).chmod(mode)
    state, found = ill(well)[check]
    assert state == "warn"
    assert "open to more than it should be" in found


def test_no_settings_at_all(well, tmp_path):
    well.environment["SIPTRUNK_CONFIG"] = str(tmp_path / "none.toml")
    state, found = ill(well, fails=1)["settings"]
    assert state == "fail"
    assert "none.toml" in found


def test_a_secret_that_is_missing(well, tmp_path):
    (tmp_path / "secrets.toml").write_text('ami_listen = "a"\n')
    assert ill(well, fails=1)["secrets"][0] == "fail"


def test_without_the_secret_that_ends_calls_they_go_on(well, tmp_path):
    (tmp_path / "secrets.toml").write_text('ami_listen = "a"\nami_apply = "b"\n')
    state, found = ill(well)["secrets"]
    assert (state, "ami_end is empty" in found) == ("warn", True)


def test_settings_that_cannot_be_read_are_told_once(well, tmp_path):
    (tmp_path / "siptrunk.toml").write_text("[nonsense]")
    found = ill(well, fails=1)
    assert "nonsense" in found.pop("settings")[1]
    assert len(found) > 8
    assert set(found.values()) == {("skipped", "See settings.")}


def test_folder_that_this_account_may_not_enter_is_a_finding(well, monkeypatch, tmp_path):
    def refused(self, **_how):
        raise PermissionError(errno.EACCES, "Permission denied", str(self))

    monkeypatch.setattr(Path, "is_file", refused)
    monkeypatch.setattr(Path, "exists", refused)
    found = ill(well, fails=1)
    assert (
        found["settings"][1]
        == f"{tmp_path / 'siptrunk.toml'}: Permission denied. Run siptrunk as root."
    )
    monkeypatch.setattr(Path, "exists", lambda self: self.name != "journal.csv" or refused(self))
    found = ill(well, fails=1)
    said = f"{tmp_path / 'journal.csv'}: Permission denied. Run siptrunk as root."
    assert found["journal"] == ("fail", said)
    assert "asterisk.conf: cannot be read: Permission denied." in found["includes"][1]


@pytest.mark.parametrize(
    ("step", "said"), [("0000", "run 'siptrunk init'"), ("9999", "Upgrade siptrunk here, too")]
)
def test_a_schema_of_another_program(well, tmp_path, step, said):
    at_step(tmp_path / "siptrunk.db", step)
    assert said in ill(well, fails=1)["database"][1]


def test_another_asterisk_than_the_settings_say(well, asterisk, monkeypatch):
    asterisk.number = "20.7.2"
    assert ill(well)["version"] == ("warn", "The settings say 22.10, Asterisk says 20.7.2.")
    monkeypatch.setattr(bootstrap, "system_name", lambda _settings: "pbx9")
    assert "'pbx9'" in ill(well, fails=1)["systemname"][1]


def test_an_asterisk_whose_files_do_not_include_ours(well):
    well("config", "uninstall", "--yes")
    assert "lack 6 of our lines" in ill(well, fails=1)["includes"][1]


def test_a_fault_that_two_checks_meet_is_told_once(well, tmp_path):
    manifest = tmp_path / "etc" / "siptrunk" / "manifest.json"
    manifest.unlink()
    manifest.mkdir()
    found = ill(well, fails=1)
    assert "Is a directory" in found["configuration"][1]
    assert found["generation"] == ("skipped", "See configuration.")


def test_everything_that_asterisks_own_files_have_beside_ours(well, tmp_path):
    own = tmp_path / "etc" / "pjsip.conf"
    both = "[global]\ntype=global\n[own]\ntype=transport\nbind=0.0.0.0\n"
    own.write_text(both + own.read_text())
    rows = well("doctor", "--format", "json", fails=1).data
    told = [row["found"] for row in rows if row["check"] == "includes"]
    assert ["global_section" in told[0], "sip_port = 0" in told[-1]] == [True, True]


def test_transports_that_asterisk_lacks_or_has_elsewhere(well, asterisk):
    there = {"bind": "0.0.0.0:5070"}
    asterisk.transports = {"siptrunk-udp": there}
    rows = well("doctor", "--format", "json", fails=1).data
    told = [row["found"] for row in rows if row["check"] == "transports"]
    assert "has no transport siptrunk-tcp" in told[0]
    assert "still listens at 0.0.0.0:5070, and not at 0.0.0.0:5060" in told[1]
    asterisk.tells_no_transports = True
    assert ill(well)["transports"] == ("warn", "Asterisk has not loaded func_sorcery.so.")


def test_customers_who_are_not_told_where_to_call(well):
    well.environment["SIPTRUNK_ASTERISK_ADDRESS"] = ""
    assert ill(well)["address"][0] == "warn"


def test_a_change_that_was_not_applied(well):
    well("trunk", "set", "acme-paris", "--address", "192.0.2.1")
    assert ill(well)["configuration"][0] == "warn"


def test_an_asterisk_that_has_not_read_our_files(well, asterisk):
    asterisk._read = type(asterisk._read)()
    assert "not read our dialplan" in ill(well, fails=1)["generation"][1]
    asterisk._read = type(asterisk._read)("other")
    assert "Asterisk runs gother" in ill(well, fails=1)["generation"][1]
    assert "now it has" in well("config", "apply").stderr
    assert ill(well) == {}


def test_a_journal_that_is_not_there(well, tmp_path):
    (tmp_path / "journal.csv").unlink()
    assert ill(well)["journal"][0] == "warn"


def test_an_asterisk_that_keeps_no_journal(well, asterisk):
    asterisk.keeps_journal = False
    assert "cdr_custom.so is not running" in ill(well, fails=1)["records"][1]


def test_a_trunk_whose_country_has_no_patterns(well, monkeypatch):
    monkeypatch.setattr(doctor, "domestic_patterns", lambda _country: ())
    assert ill(well)["away"][0] == "warn"
    well("trunk", "set", "acme-paris", "--away-policy", "closed")
    assert "away" not in ill(well)


def test_a_trunk_over_tls_that_no_transport_offers(well):
    well.environment["SIPTRUNK_ASTERISK_SIP_PORT"] = "5060"
    well("trunk", "set", "acme-paris", "--transport", "tls")
    assert ill(well, fails=1)["tls"][1] == "No TLS is offered, and acme-paris calls over it."
    well("trunk", "add", "acme-nice", "--customer", "acme", "--channels", "1", "--transport", "tls")
    said = "No TLS is offered, and 2 trunks, acme-nice the first, call over it."
    assert ill(well, fails=1)["tls"][1] == said
    well("trunk", "remove", "acme-nice", "--yes")
    well("trunk", "set", "acme-paris", "--transport", "udp")
    assert "tls" not in ill(well)


def test_a_certificate_that_is_not_there(well, tmp_path):
    certificate = tmp_path / "sip.pem"
    well.environment |= {
        "SIPTRUNK_ASTERISK_SIP_PORT": "5060",
        "SIPTRUNK_ASTERISK_TLS_CERTIFICATE": str(certificate),
        "SIPTRUNK_ASTERISK_TLS_KEY": str(certificate),
    }
    assert "sip.pem is not there" in ill(well, fails=1)["tls"][1]
    certificate.touch()
    assert "tls" not in ill(well)
    well.environment["SIPTRUNK_ASTERISK_TLS_CERTIFICATE"] = ""
    assert "tls_certificate" in ill(well, fails=1)["settings"][1]


def test_no_uvloop(well, monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda _name: None)
    assert ill(well)["uvloop"][0] == "warn"


def test_servers_that_are_well(well, fleet):
    for name in ("one", "two"):
        fleet.beat(name)
    fleet.stop("two")
    assert ill(well) == {}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda fleet: fleet.go_silent("two"), "No sign of life of two."),
        (lambda fleet: fleet.lose("two"), "No sign of life of two."),
        (lambda fleet: fleet.beat("two", share=51), "one, two may use 101 % of each trunk's"),
        (lambda fleet: fleet.beat("two", program="0.2.0"), "different versions: 0.1.0, 0.2.0."),
        (lambda fleet: fleet.want("one"), "newest apply: asterisk, two."),
        (
            lambda fleet: (fleet.want("one"), fleet.fail("two", "no")),
            "newest apply: asterisk, two (no).",
        ),
    ],
)
def test_servers_that_are_not_well(well, fleet, change, said):
    for name in ("one", "two"):
        fleet.beat(name)
    change(fleet)
    state, found = ill(well)["servers"]
    assert state == "warn"
    assert said in found


def test_the_only_server_may_do_all_alone(well, fleet):
    fleet.beat("one", share=100)
    assert ill(well) == {}
