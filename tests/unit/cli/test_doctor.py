"""`siptrunk doctor`."""

import socket

import pytest

from asterisk_siptrunk import bootstrap
from asterisk_siptrunk.bootstrap import schema
from asterisk_siptrunk.cli import doctor


@pytest.fixture
def well(acme, asterisk, tmp_path):
    """A provider that lacks nothing."""
    (tmp_path / "siptrunk.toml").chmod(0o640)
    secrets = tmp_path / "secrets.toml"
    secrets.write_text('ami_listen = "a"\nami_apply = "b"\n')
    secrets.chmod(0o600)
    (tmp_path / "journal.csv").touch()
    with socket.create_server(("127.0.0.1", 0)) as service:
        acme.environment |= {
            "SIPTRUNK_AGI_PORT": str(service.getsockname()[1]),
            "SIPTRUNK_ASTERISK_JOURNAL": str(tmp_path / "journal.csv"),
        }
        acme("config", "install", "--yes")
        acme("config", "apply", "--yes")
        yield acme
    assert asterisk.reloads


def ill(run, *, fails=0):
    """What is not ok, by check."""
    rows = run("doctor", "--format", "json", fails=fails).data
    return {row["check"]: (row["state"], row["found"]) for row in rows if row["state"] != "ok"}


def test_a_provider_that_lacks_nothing(well):
    assert ill(well) == {}
    assert set(doctor._CHECKS) == {
        row["check"] for row in well("doctor", "--format", "json").data
    } - {"systemname", "version"}


def test_everything_wrong_at_once_is_told_at_once(siptrunk, asterisk, tmp_path):
    asterisk.away = True
    (tmp_path / "siptrunk.db").unlink()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
    siptrunk.environment |= {"SIPTRUNK_AGI_PORT": port}
    found = ill(siptrunk, fails=1)
    for check in ("secrets", "database", "away", "asterisk", "configuration", "service"):
        assert found[check][0] == "fail"


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
    well.environment["SIPTRUNK_DATABASE_URL"] = f"sqlite:///{tmp_path / 'siptrunk.db'}"
    assert ill(well)["settings"][0] == "warn"


def test_a_secret_that_is_missing(well, tmp_path):
    (tmp_path / "secrets.toml").write_text('ami_listen = "a"\n')
    assert ill(well, fails=1)["secrets"][0] == "fail"


def test_settings_that_cannot_be_read_fail_every_check_that_needs_them(well, tmp_path):
    (tmp_path / "siptrunk.toml").write_text("[nonsense]")
    assert "nonsense" in ill(well, fails=1)["database"][1]


def test_a_schema_of_another_program(well, monkeypatch):
    monkeypatch.setattr(schema, "is_current", lambda _engine: False)
    assert "not that of this program" in ill(well, fails=1)["database"][1]


def test_another_asterisk_than_the_settings_say(well, asterisk, monkeypatch):
    asterisk.number = "20.7.2"
    assert ill(well)["version"] == ("warn", "The settings say 22.10, Asterisk says 20.7.2.")
    monkeypatch.setattr(bootstrap, "system_name", lambda _settings: "pbx9")
    assert "'pbx9'" in ill(well, fails=1)["systemname"][1]


def test_an_asterisk_whose_files_do_not_include_ours(well):
    well("config", "uninstall", "--yes")
    assert "lack 6 of our lines" in ill(well, fails=1)["includes"][1]


def test_a_change_that_was_not_applied(well):
    well("trunk", "set", "acme-paris", "--address", "192.0.2.1")
    assert ill(well)["configuration"][0] == "warn"


def test_an_asterisk_that_has_not_read_our_files(well, asterisk):
    asterisk._read = type(asterisk._read)()
    assert "not read our dialplan" in ill(well, fails=1)["generation"][1]
    asterisk._read = type(asterisk._read)("other")
    assert "Asterisk runs gother" in ill(well, fails=1)["generation"][1]


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
    assert "(acme-paris)" in ill(well, fails=1)["tls"][1]
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


def test_no_uvloop(well, monkeypatch):
    monkeypatch.setattr(doctor, "find_spec", lambda _name: None)
    assert ill(well)["uvloop"][0] == "warn"
