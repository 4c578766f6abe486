"""Finds Asterisk, SIPp, PostgreSQL, nftables and Chromium, or makes a private Debian with them.

Order of search: this machine's own programs; the private root, made once in a cache folder when
we are root on Debian or Ubuntu; else `LabUnavailableError`, whose text lists the ways.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from tests.lab.places import Place, Program
from tests.lab.processes import Child, which

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

OLDEST_ASTERISK = 18
MIRROR_VARIABLE = "SIPTRUNK_LAB_MIRROR"
INSTALL_SCRIPT = Path(__file__).parents[2] / "docker" / "install-asterisk.sh"
PARTS = ("asterisk", "sipp", "postgresql", "nftables", "chromium")
STAGE_SECONDS = 900.0
"""Longest a stage may take: a slow mirror is slow, a dead one must not hang a test run."""

_RECIPE = "1"  # raised when `Builder` itself changes what a root holds
_STAMP = "etc/siptrunk-lab"
_MODULE_FOLDERS = (
    "/usr/lib/*/asterisk/modules",
    "/usr/lib/asterisk/modules",
    "/usr/lib64/asterisk/modules",
    "/usr/local/lib/asterisk/modules",
)
_CHROMIUMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_POSTGRES_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin")

THREE_WAYS = """\
No real {missing} to test with here. Any one of these will do:
  1. install Asterisk 18 or later (with chan_pjsip), SIPp, PostgreSQL, nftables and Chromium here;
  2. run this as root on Debian or Ubuntu: a private copy is made once, in a cache folder,
     without touching the system's own packages;
  3. run the service in containers: docker compose -f docker/compose.yaml up"""


class LabUnavailableError(Exception):
    """The real parts cannot be had here; the text says what to do."""


class BuildError(LabUnavailableError):
    """A stage of making the private root failed; the text says which, and shows its last lines."""


# --- what is asked of a program -------------------------------------------------------------


def parse_version(text: str) -> tuple[int, ...]:
    """Read the first dotted number of a `--version` line; empty when there is none."""
    found = re.search(r"\d+(?:\.\d+)+", text)
    return tuple(map(int, found[0].split("."))) if found else ()


def _asterisk_at(place: Place, path: str) -> Program | None:
    version = parse_version(place.run(path, "-V").stdout)
    suits = version >= (OLDEST_ASTERISK,) and module_folder(place) is not None
    return Program(place, path, ".".join(map(str, version))) if suits else None


def _sipp_at(place: Place, path: str) -> Program | None:
    version = parse_version(place.run(path, "-v").stdout)  # its exit status is 99
    return Program(place, path, ".".join(map(str, version))) if version else None


def _postgres_at(place: Place, path: str) -> Program | None:
    version = parse_version(place.run(path, "--version").stdout)
    return Program(place, path, ".".join(map(str, version))) if version else None


def module_folder(place: Place) -> Path | None:
    """The folder of Asterisk's modules, as seen from the inside; None without chan_pjsip."""
    for pattern in _MODULE_FOLDERS:
        for module in place.glob(f"{pattern}/chan_pjsip.so"):
            return module.parent
    return None


def by_own_loader(root: Path) -> tuple[str, ...]:
    """The start of a command that runs a root's program on this machine, without chroot."""
    (loader,) = root.glob("usr/lib*/ld-linux-*.so.*")
    folders = ":".join(str(folder) for folder in sorted(root.glob("usr/lib/*-linux-gnu*")))
    return (str(loader), "--library-path", folders)


def _openssl_at(place: Place, path: str) -> Program | None:
    version = parse_version(place.run(path, "version").stdout)
    return Program(place, path, ".".join(map(str, version))) if version else None


def _nft_at(place: Place, path: str) -> Program | None:
    version = parse_version(place.run(path, "--version").stdout)
    return Program(place, path, ".".join(map(str, version))) if version else None


def _chromium_at(place: Place, path: str) -> Program | None:
    version = parse_version(place.run(path, "--version").stdout)
    return Program(place, path, ".".join(map(str, version))) if version else None


def _find_asterisk(place: Place) -> Program | None:
    path = which("asterisk") if place.root is None else "/usr/sbin/asterisk"
    return _asterisk_at(place, path) if path else None


def _find_sipp(place: Place) -> Program | None:
    path = which("sipp") if place.root is None else "/usr/bin/sipp"
    return _sipp_at(place, path) if path else None


def _find_postgres(place: Place) -> Program | None:
    found = [path for pattern in _POSTGRES_FOLDERS for path in place.glob(f"{pattern}/postgres")]
    path = str(found[-1]) if found else (which("postgres") if place.root is None else None)
    return _postgres_at(place, path) if path else None


def _find_openssl(place: Place) -> Program | None:
    path = which("openssl") if place.root is None else "/usr/bin/openssl"
    return _openssl_at(place, path) if path else None


def _find_nft(place: Place) -> Program | None:
    path = which("nft") if place.root is None else "/usr/sbin/nft"
    return _nft_at(place, path) if path else None


def _find_chromium(place: Place) -> Program | None:
    path = which(*_CHROMIUMS) if place.root is None else f"/usr/bin/{_CHROMIUMS[0]}"
    return _chromium_at(place, path) if path else None


@cache
def asterisk() -> Program:
    """A real Asterisk; makes the private root when the machine has none."""
    return _find_asterisk(Place()) or _required(_find_asterisk(private_root()), "Asterisk")


@cache
def sipp() -> Program:
    """A real SIPp; makes the private root when the machine has none."""
    return _find_sipp(Place()) or _required(_find_sipp(private_root()), "SIPp")


@cache
def postgres() -> Program:
    """A real PostgreSQL server; makes the private root when the machine has none."""
    return _find_postgres(Place()) or _required(_find_postgres(private_root()), "PostgreSQL")


@cache
def openssl() -> Program:
    """The command that makes certificates; the private root has it as a part of PostgreSQL's."""
    return _find_openssl(Place()) or _required(_find_openssl(private_root()), "openssl")


@cache
def nft() -> Program:
    """The command that loads packet filters; makes the private root when the machine has none."""
    return _find_nft(Place()) or _required(_find_nft(private_root()), "nft")


@cache
def chromium() -> Program:
    """A browser, as Debian builds it; makes the private root when the machine has none."""
    return _find_chromium(Place()) or _required(_find_chromium(private_root()), "Chromium")


@cache
def faketime() -> Path:
    """The library that gives a program a clock of its own, as a file of this machine.

    Kept beside the private root, and of this machine's own release: the root's is never older.
    """
    return Builder(cache_folder()).ensure_faketime()


def _required(program: Program | None, name: str) -> Program:
    if program is None:
        raise LabUnavailableError(
            f"the private root holds no working {name}: remove {cache_folder()}"
        )
    return program


# --- the private root -----------------------------------------------------------------------


def cache_folder() -> Path:
    """Where the private root is kept: `$SIPTRUNK_LAB`, else the user's cache folder."""
    if chosen := os.environ.get("SIPTRUNK_LAB"):
        return Path(chosen).absolute()
    caches = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(caches).absolute() / "asterisk-siptrunk"


@cache
def private_root() -> Place:
    """The private root, made first when it is missing or of an older recipe.

    Raises `LabUnavailableError` where it cannot be made, `BuildError` where making it failed.
    """
    builder = Builder(cache_folder())
    if os.geteuid() != 0 or not is_debian_family(Path("/etc/os-release")) or not which("apt-get"):
        raise LabUnavailableError(
            THREE_WAYS.format(missing="Asterisk, SIPp, PostgreSQL, nftables or Chromium")
        )
    builder.ensure()
    _settle_in(builder.root)
    return Place(builder.root)


def is_debian_family(os_release: Path) -> bool:
    """Whether /etc/os-release speaks of Debian, Ubuntu or a child of theirs."""
    if not os_release.exists():
        return False
    facts = os_release_facts(os_release.read_text())
    return bool({"debian", "ubuntu"} & {facts.get("ID", ""), *facts.get("ID_LIKE", "").split()})


def os_release_facts(text: str) -> dict[str, str]:
    """Read the KEY=value lines of an os-release file."""
    pairs = (line.partition("=") for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, _, value in pairs}


def _settle_in(root: Path) -> None:
    """Make names resolve at once inside, and host paths under the root mean the same there."""
    # Asterisk looks its own host name up on each call; with no answer in /etc/hosts, and a
    # resolver that is slow or absent, every call stalls for seconds.
    (root / "etc/hosts").write_text(f"127.0.0.1 localhost {os.uname().nodename}\n")
    (root / "etc/resolv.conf").unlink(missing_ok=True)
    (root / "etc/resolv.conf").touch()
    mirror = root / str(root).lstrip("/")
    if not mirror.is_symlink():
        mirror.parent.mkdir(parents=True, exist_ok=True)
        mirror.symlink_to("/")


def debian_mirror(sources: Mapping[str, str], codename: str) -> str:
    """Choose Debian's mirror from apt's source files (name to text), "" where they have none.

    A third party's archive also names `main`: what tells Debian's own is a path ending in
    `/debian` with this release's plain code name.
    """
    suites = {codename, "stable", "testing", "unstable", "sid"}
    for name, text in sources.items():
        entries = _deb822_entries(text) if name.endswith(".sources") else _one_line_entries(text)
        for uri, suite, components in entries:
            plain = uri.rstrip("/")
            if suite in suites and "main" in components and re.match(r"https?://.*/debian$", plain):
                return plain
    return ""


def _one_line_entries(text: str) -> Iterator[tuple[str, str, list[str]]]:
    for line in text.splitlines():
        words = re.sub(r"\[[^]]*\]", "", line.partition("#")[0]).split()
        if len(words) > 3 and words[0] == "deb":
            yield words[1], words[2], words[3:]


def _deb822_entries(text: str) -> Iterator[tuple[str, str, list[str]]]:
    body = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for paragraph in re.split(r"\n\s*\n", body):
        unfolded = re.sub(r"\n[ \t]+", " ", paragraph)
        pairs = (line.partition(":") for line in unfolded.splitlines())
        fields = {key.strip().lower(): value.split() for key, _, value in pairs}
        if "deb" not in fields.get("types", []) or fields.get("enabled") == ["no"]:
            continue
        for uri in fields.get("uris", []):
            for suite in fields.get("suites", []):
                yield uri, suite, fields.get("components", [])


def machine_sources(folder: Path = Path("/etc/apt")) -> dict[str, str]:
    """Read apt's source files: name to text."""
    files = [folder / "sources.list", *sorted(folder.glob("sources.list.d/*"))]
    wanted = (path for path in files if path.is_file() and path.suffix in {".list", ".sources"})
    return {str(path): path.read_text(errors="replace") for path in wanted}


# --- making it ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Stage:
    """One step of the build: what it is called, and what it leaves behind when it is done."""

    title: str
    product: Path


class Builder:
    """Makes the private root in `folder`, stage by stage; a finished stage is never done again.

    Everything happens in `folder/building` and is renamed into place when it has been checked.
    Commands run in a mount and process namespace of their own: when one is interrupted, the
    kernel takes its mounts and its processes away with it.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "sid"
        self._work = folder / "building"
        self._log = folder / "build.log"

    def ensure(self) -> None:
        """Make the root unless it stands already. One builder at a time; others wait."""
        if self._is_current():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._locked():
            if not self._is_current():
                self._build()

    def ensure_faketime(self) -> Path:
        """Have the library unpacked; nothing of it is installed."""
        unpacked = self.folder / "faketime"
        if not unpacked.exists():
            self._work.mkdir(parents=True, exist_ok=True)
            with self._locked(), self._stage("fetching libfaketime"):
                self._unpack(("libfaketime",), unpacked)
        (library,) = unpacked.glob("usr/lib/*/faketime/libfaketimeMT.so.1")
        return library

    def _is_current(self) -> bool:
        stamp = self.root / _STAMP
        return stamp.exists() and stamp.read_text() == self._recipe()

    @staticmethod
    def _recipe() -> str:
        return hashlib.sha256(_RECIPE.encode() + INSTALL_SCRIPT.read_bytes()).hexdigest()

    @contextlib.contextmanager
    def _locked(self) -> Iterator[None]:
        with (self.folder / "lock").open("w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say("another run is making the private Asterisk: waiting for it")
                fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def _build(self) -> None:
        say(f"making a private Asterisk, once, in {self.folder} (about a minute, 1 GB)")
        self._work.mkdir(exist_ok=True)
        self._log.write_text("")
        started = time.monotonic()
        try:
            self._fetch_bootstrapper()
            self._make_base()
            self._install_parts()
            self._check_and_place()
        except KeyboardInterrupt:
            say("interrupted: nothing is left running or mounted; the next run goes on from here")
            raise
        say(f"ready after {time.monotonic() - started:.0f} s")

    def _fetch_bootstrapper(self) -> None:
        """Unpack mmdebstrap from the machine's own archive, without installing it."""
        tool = self._work / "tool"
        if not tool.exists():
            with self._stage("1/4 fetching the tool that makes it"):
                self._unpack(("mmdebstrap", "debian-archive-keyring"), tool)

    def _unpack(self, packages: tuple[str, ...], target: Path) -> None:
        """Unpack packages of the machine's own archive."""
        fetch = self._fresh(self._work / "fetch")
        for folder in ("lists/partial", "cache/archives/partial", "unpacked"):
            (fetch / folder).mkdir(parents=True)
        # apt's lists and cache of our own: the system's are neither needed nor touched.
        apt = ("apt-get", "-q", f"-oDir::State::lists={fetch}/lists", f"-oDir::Cache={fetch}/cache")
        self._command(*apt, "update", tolerate=True)  # a third party's archive may be down
        self._command(*apt, "download", "-oAPT::Sandbox::User=root", *packages, cwd=fetch)
        for package in sorted(fetch.glob("*.deb")):
            self._command("dpkg", "-x", str(package), str(fetch / "unpacked"))
        if not target.exists():
            (fetch / "unpacked").rename(target)
        shutil.rmtree(fetch)

    def _make_base(self) -> None:
        """Make the base system as an archive: a later stage always starts from a clean copy."""
        base = self._work / "base.tar"
        if base.exists():
            return
        scratch = self._fresh(self._work / "scratch")
        partial = scratch / "base.tar"
        keyring = self._work / "tool/usr/share/keyrings/debian-archive-keyring.gpg"
        release = os_release_facts(Path("/etc/os-release").read_text())
        mirror = os.environ.get(MIRROR_VARIABLE) or debian_mirror(
            machine_sources(), release.get("VERSION_CODENAME", "")
        )
        if not mirror:
            raise BuildError(
                "apt's sources name no mirror of Debian, which the private Asterisk comes from; "
                f"set {MIRROR_VARIABLE} to the address of one, ending in /debian."
            )
        with self._stage(f"2/4 base system, Debian sid from {mirror}"):
            self._command(
                *("perl", str(self._work / "tool/usr/bin/mmdebstrap")),
                *("--mode=root", "--variant=apt", f"--keyring={keyring}"),
                '--aptopt=Acquire::Check-Valid-Until "false"',
                '--aptopt=Acquire::Languages "none"',
                *(f"--aptopt={line}" for line in _apt_proxies()),
                "--dpkgopt=force-unsafe-io",  # no fsync a file: a broken build is thrown away
                *("sid", str(partial), f"deb {mirror} sid main"),
                env={"TMPDIR": str(scratch)},
            )
        partial.rename(base)

    def _install_parts(self) -> None:
        """Install the parts into a fresh copy of the base; an interrupted copy is thrown away."""
        root = self._fresh(self._work / "root")
        with self._stage("3/4 Asterisk, SIPp, PostgreSQL, nftables and Chromium"):
            self._command("tar", "-xpf", str(self._work / "base.tar"), "-C", str(root))
            shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
            shutil.copy(INSTALL_SCRIPT, root / "install-asterisk.sh")
            # Some packages' scripts read /proc. It is mounted only where it goes away by itself.
            mount = 'mount -t proc proc "$0/proc"; ' if _namespace() else ""
            enter = mount + 'exec chroot "$0" sh /install-asterisk.sh "$@"'
            self._command("sh", "-c", enter, str(root), *PARTS)
            (root / "install-asterisk.sh").unlink()

    def _check_and_place(self) -> None:
        root = self._work / "root"
        place = Place(root)
        with self._stage("4/4 checking"):
            finders = (_find_asterisk, _find_sipp, _find_postgres, _find_nft, _find_chromium)
            found = tuple(find(place) for find in finders)
            if None in found:
                raise BuildError(f"a part does not run in {root}: {found}. See {self._log}")
        (root / _STAMP).write_text(self._recipe())
        if self.root.exists():
            self.root.rename(self._fresh(self._work / "old") / "sid")
        root.rename(self.root)
        shutil.rmtree(self._work)

    def _fresh(self, folder: Path) -> Path:
        if folder.exists():
            shutil.rmtree(folder)
        folder.mkdir(parents=True)
        return folder

    @contextlib.contextmanager
    def _stage(self, title: str) -> Iterator[None]:
        started = time.monotonic()
        say(f"{title} ...")
        yield
        say(f"{title}: done, {time.monotonic() - started:.0f} s")

    def _command(
        self,
        *argv: str,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        tolerate: bool = False,
    ) -> None:
        """Run one command of a stage, its output in the build's log; `BuildError` if it fails."""
        child = Child(
            (*_namespace(), *argv),
            output=self._log,
            cwd=cwd,
            env={**os.environ, "LC_ALL": "C.UTF-8", **(env or {})},
        )
        with child:
            try:
                status = child.wait(STAGE_SECONDS)
            except subprocess.TimeoutExpired:
                status = -1
            except BaseException:
                child.kill()  # at once: the namespace takes the rest of its family along
                raise
        if status and not tolerate:
            tail = "\n".join(child.output_text().splitlines()[-12:])
            raise BuildError(
                f"`{' '.join(argv[:3])} …` failed ({status}); see {self._log}:\n{tail}"
            )


@cache
def _namespace() -> tuple[str, ...]:
    """The prefix that gives a command mounts and a process tree of its own, where allowed."""
    prefix = ("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")
    trial = subprocess.run((*prefix, "true"), capture_output=True, check=False)
    return prefix if trial.returncode == 0 else ()


def _apt_proxies() -> list[str]:
    """The proxy settings of the machine's apt, as lines for another apt."""
    listing = subprocess.run(
        ("apt-config", "dump", "Acquire"), capture_output=True, text=True, check=True
    ).stdout
    return re.findall(r"^(Acquire::https?::Proxy.* \"[^\"]+\");$", listing, re.MULTILINE)


def say(line: str) -> None:
    """Tell the person what is going on."""
    print(f"lab: {line}", file=sys.stderr, flush=True)
