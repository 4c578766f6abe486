"""Settings: the file, then the environment; every mistake named with its place."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from asterisk_siptrunk.errors import SettingsError
from asterisk_siptrunk.settings import DEFAULT_FILE, Settings, load, settings_file


@pytest.fixture
def file(tmp_path):
    return tmp_path / "siptrunk.toml"


def test_a_file_that_is_not_there_leaves_every_default(file):
    assert load(file, {}) == Settings(file)


def test_the_file_is_read(file):
    file.write_text('[provider]\ncountry = "GB"\n[agi]\nport = 5000\npeers = ["192.0.2.1"]\n')
    settings = load(file, {})
    assert (settings.provider.country, settings.agi.port) == ("GB", 5000)
    assert settings.agi.peers == ("192.0.2.1",)


def test_the_environment_prevails_over_the_file(file):
    file.write_text('[asterisk]\nring_seconds = 60\nconfig_dir = "/a"\n')
    settings = load(
        file,
        {
            "SIPTRUNK_ASTERISK_RING_SECONDS": "90",
            "SIPTRUNK_ASTERISK_CONFIG_DIR": "/b",
            "SIPTRUNK_ASTERISK_GLOBAL_SECTION": "no",
            "SIPTRUNK_AGI_PEERS": "192.0.2.1, 192.0.2.2",
        },
    )
    assert settings.asterisk.ring_seconds == 90
    assert settings.asterisk.config_dir == Path("/b")
    assert not settings.asterisk.global_section
    assert settings.agi.peers == ("192.0.2.1", "192.0.2.2")


def test_secrets_come_from_their_own_file_and_show_nowhere(file):
    file.with_name("secrets.toml").write_text('ami_listen = "s3cret"\n')
    settings = load(file, {"SIPTRUNK_SECRETS_AMI_APPLY": "s3cret"})
    assert (settings.secrets.ami_listen, settings.secrets.ami_apply) == ("s3cret", "s3cret")
    assert "s3cret" not in repr(settings)


def test_a_database_s_url_shows_nowhere_since_it_may_hold_a_password(file):
    settings = load(file, {"SIPTRUNK_DATABASE_URL": "postgresql://u:s3cret@host/db"})
    assert "s3cret" not in repr(settings)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[nonsense]", "no table [nonsense]"),
        ("agi = 5", "agi must be a table"),
        ("[agi]\nprot = 1", "no key 'prot'"),
        ('[agi]\nport = "1"', "int is needed"),
        ("[agi]\nport = true", "int is needed"),
        ('[agi]\npeers = "192.0.2.1"', "list of strings"),
        ("[agi]\nport = 0", "[agi] port: 0 is no port"),
        ("[ami]\nport = 65536", "[ami] port: 65536 is no port"),
        ("[asterisk]\nsip_port = 65536", "[asterisk] sip_port: 65536 is no port"),
        ("[asterisk]\nsip_port = -1", "[asterisk] sip_port: -1 is no port"),
        ("[asterisk]\ntls_port = 0", "[asterisk] tls_port: 0 is no port"),
        ('[agi]\nhost = "localhost"', "[agi] host: 'localhost' is no IP address"),
        ('[agi]\nhost = ""', "[agi] host: '' is no IP address"),
        ('[agi]\npeers = ["127.0.0.1", "pbx"]', "[agi] peers: 'pbx' is no IP address"),
        ('[asterisk]\nbind = ["nohost"]', "[asterisk] bind: 'nohost' is no IP address"),
        ('[asterisk]\nbind = ["fe80::1%eth0"]', "[asterisk] bind: 'fe80::1%eth0' is no IP"),
        ('[asterisk]\nserver = "two words"', "[asterisk] server: 'two words'"),
        ("[asterisk]\nring_seconds = 0", "[asterisk] ring_seconds: 0 is not between"),
        ('[asterisk]\ntemplates = " "', "[asterisk] templates: ' ' is no path"),
        ('[asterisk]\ntls_key = "/a"', "[asterisk] tls_certificate: TLS needs"),
        ('[asterisk]\ntls_certificate = "/a"', "[asterisk] tls_key: TLS needs"),
        ('[provider]\ntimezone = "Europe/Pariss"', "[provider] timezone: 'Europe/Pariss'"),
        ('[provider]\ncountry = "fr"', "[provider] country: 'fr': give two capital letters"),
        ('[asterisk]\nversion = "newest"', "[asterisk] version: 'newest'"),
        ('[asterisk]\nversion = "22.x"', "[asterisk] version: '22.x'"),
        ('[web]\nhost = "localhost"', "[web] host: 'localhost' is no IP address"),
        ('[web]\nproxies = ["lb"]', "[web] proxies: 'lb' is no IP address"),
        ("[web]\nport = 65536", "[web] port: 65536 is no port"),
        ("[mail]\nport = 0", "[mail] port: 0 is no port"),
        ('[mail]\nsecurity = "ssl"', "[mail] security: 'ssl': give one of starttls, tls, none"),
        ('[mail]\nhost = "mx.example"', "[mail] sender: '' is no address"),
        ('[mail]\nhost = "mx.example"\nsender = "a@b\\n"', "[mail] sender: 'a@b\\n' is no address"),
        ('[mail]\nsecurity = "none"\nusername = "us"', "[mail] username: a password goes over no"),
        ("[agi", "not TOML"),
    ],
)
def test_mistakes_are_named(file, text, said):
    file.write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    assert said in str(caught.value)
    assert str(file) in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://erp.example/",
        "erp.example/s3cret",
        "https:///s3cret",
        "https://us:s3cret@erp.example/",
        "https://erp.example:99999/s3cret",
        "https://erp.example/s3cret more",
        "https://erp.example/s3cret\\nHost: other",
        "https://erp.exämple/s3cret",
        "https://[::1/s3cret",
    ],
)
def test_a_webhook_s_url_that_cannot_be_used_is_not_repeated(file, url):
    file.write_text(f'[webhook]\nurl = "{url}"\n')
    with pytest.raises(SettingsError, match=r"\[webhook\] url: this is no URL") as caught:
        load(file, {})
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("url", ["https://erp.example/a?b=c", "http://[::1]:8080", ""])
def test_a_webhook_s_url_shows_nowhere(file, url):
    settings = load(file, {"SIPTRUNK_WEBHOOK_URL": url})
    assert settings.webhook.url == url
    assert not url or url not in repr(settings)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SIPTRUNK_AGI_PORT", "many"),
        ("SIPTRUNK_AGI_PORT", "-1"),
        ("SIPTRUNK_ASTERISK_GLOBAL_SECTION", "perhaps"),
    ],
)
def test_mistakes_in_the_environment_are_named(file, variable, value):
    with pytest.raises(SettingsError, match=variable):
        load(file, {variable: value})


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    with pytest.raises(SettingsError, match="cannot be read"):
        load(tmp_path, {})


def test_whoever_may_not_read_the_secrets_may_do_what_needs_none(file, monkeypatch):
    file.write_text('[provider]\nname = "acme"\n')
    file.with_name("secrets.toml").write_text('ami_listen = "a"\nami_apply = "b"\n')
    assert load(file, {}).secrets.ami_apply == "b"
    # Root, who runs the tests perhaps, may read everything.
    monkeypatch.setattr("os.access", lambda _file, mode: mode != os.R_OK)
    settings = load(file, {})
    assert settings.provider.name == "acme"
    with pytest.raises(SettingsError, match=r"secrets.toml cannot be read by this account"):
        _ = settings.secrets


def test_a_file_that_is_not_utf_8_is_refused(file):
    file.write_bytes(b'[provider]\nname = "\xff"\n')
    with pytest.raises(SettingsError, match="not TOML"):
        load(file, {})


@pytest.mark.parametrize(
    ("version", "pair"), [("22.10", (22, 10)), ("18", (18, 0)), ("22.10.1", (22, 10))]
)
def test_the_version_as_numbers(file, version, pair):
    asterisk = replace(Settings(file).asterisk, version=version)
    assert asterisk.version_pair == pair


def test_the_file_that_holds():
    assert settings_file({"SIPTRUNK_CONFIG": "/a/b.toml"}) == Path("/a/b.toml")
    assert settings_file({}) == settings_file({"SIPTRUNK_CONFIG": ""}) == DEFAULT_FILE
