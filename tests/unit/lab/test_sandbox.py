"""The parts of the lab that need no root and no network."""

from __future__ import annotations

import pytest

from tests.lab import sandbox
from tests.lab.places import Place
from tests.lab.sandbox import Builder, debian_mirror, parse_version


@pytest.mark.parametrize(
    ("said", "version"),
    [
        ("Asterisk 22.10.1+dfsg+~cs6.17.60671434-1\n", (22, 10, 1)),
        ("Asterisk certified-20.7-cert3\n", (20, 7)),
        ("Asterisk 16.28.0~dfsg-0+deb11u4\n", (16, 28, 0)),
        ("\n SIPp v3.8.0-TLS-SCTP-PCAP.\n", (3, 8, 0)),
        ("postgres (PostgreSQL) 18.6 (Debian 18.6-3)\n", (18, 6)),
        ("asterisk: not found", ()),
    ],
)
def test_a_program_says_its_version(said, version):
    assert parse_version(said) == version


DEB822 = """\
# the image's own comment
Types: deb
URIs: http://mirror.example.net/debian
Suites: bookworm bookworm-updates
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example.net/debian-security
Suites: bookworm-security
Components: main
"""


@pytest.mark.parametrize(
    ("sources", "mirror"),
    [
        ({"debian.sources": DEB822}, "http://mirror.example.net/debian"),
        (
            {"sources.list": "deb [arch=amd64 signed-by=/x] https://m.example/debian/ sid main"},
            "https://m.example/debian",
        ),
        ({"a.sources": DEB822.replace("Types: deb\n", "Types: deb-src\n")}, ""),
        ({"a.sources": DEB822.replace("Types:", "Enabled: no\nTypes:")}, ""),
        # third parties, Ubuntu, and files that are no mirror's address
        ({"a.list": "deb https://php.example/php bookworm main"}, ""),
        ({"a.list": "deb https://docker.example/linux/debian bookworm stable"}, ""),
        ({"a.list": "deb http://archive.example/ubuntu noble main"}, ""),
        ({"a.list": "deb mirror+file:/etc/apt/mirrors/debian bookworm main"}, ""),
        ({"a.list": "# deb http://mirror.example/debian bookworm main"}, ""),
        ({}, ""),
    ],
)
def test_the_mirror_is_the_machines_own(sources, mirror):
    assert debian_mirror(sources, "bookworm") == mirror


@pytest.mark.parametrize(
    ("text", "family"),
    [
        ('ID=debian\nVERSION_CODENAME="bookworm"\n', True),
        ("ID=ubuntu\nID_LIKE=debian\n", True),
        ('ID=linuxmint\nID_LIKE="ubuntu debian"\n', True),
        ('ID="fedora"\n', False),
    ],
)
def test_the_family_is_read_from_os_release(tmp_path, text, family):
    (tmp_path / "os-release").write_text(text)
    assert sandbox.is_debian_family(tmp_path / "os-release") is family


def test_a_root_of_an_older_recipe_is_made_again(tmp_path, monkeypatch):
    made = []
    monkeypatch.setattr(Builder, "_build", lambda self: made.append(self.root))
    builder = Builder(tmp_path)
    (builder.root / "etc").mkdir(parents=True)
    stamp = builder.root / "etc/siptrunk-lab"
    stamp.write_text("older")
    builder.ensure()
    assert made == [builder.root]
    stamp.write_text(Builder._recipe())
    builder.ensure()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"SIPTRUNK_LAB": "/srv/lab"}, "/srv/lab"),
        ({"XDG_CACHE_HOME": "/caches"}, "/caches/asterisk-siptrunk"),
        ({"HOME": "/home/ada"}, "/home/ada/.cache/asterisk-siptrunk"),
    ],
)
def test_where_the_private_root_is_kept(monkeypatch, environment, folder):
    for name in ("SIPTRUNK_LAB", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert str(sandbox.cache_folder()) == folder


def test_three_ways_are_named_where_nothing_can_be_made(monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    sandbox.private_root.cache_clear()
    with pytest.raises(sandbox.LabUnavailableError) as caught:
        sandbox.private_root()
    for way in ("install Asterisk 18", "as root on Debian", "docker/compose.yaml"):
        assert way in str(caught.value)


def test_a_command_in_a_private_root_dies_with_us(tmp_path):
    inside = Place(tmp_path).command("asterisk", "-V")
    assert inside == ("chroot", str(tmp_path), "setpriv", "--pdeathsig", "KILL", "asterisk", "-V")
    assert Place().command("asterisk", "-V") == ("asterisk", "-V")


def test_workspaces_of_dead_owners_are_swept(tmp_path):
    place = Place(tmp_path)
    ours = place.workspace("asterisk")
    dead = ours.with_name("asterisk-4194999-abc_-d")
    dead.mkdir()
    place.sweep()
    assert (ours.exists(), dead.exists()) == (True, False)
