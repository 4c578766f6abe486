"""Loads rendered files in a throw-away Asterisk, on ports of its own, and reads what it says.

It must not be heard outside: it sends no OPTIONS and registers nowhere, since a second registration
would take the carriers' calls away from the real server.
"""

import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from asterisk_siptrunk.errors import CheckFailed
from asterisk_siptrunk.generation.check import endpoint_names
from asterisk_siptrunk.generation.store import FOLDER
from asterisk_siptrunk.settings import AsteriskSettings

LONGEST_SECONDS = 15.0
"""For all of it; 10,000 trunks take 5 s to load."""
_ANSWER_SECONDS = 10.0
_END_SECONDS = 3.0
_POLL_SECONDS = 0.1
_PORT_ATTEMPTS = 20
_MOST_TOLD = 20

_MODULES = (
    *("res_timing_timerfd", "res_sorcery_config", "res_sorcery_memory", "res_sorcery_astdb"),
    *("res_pjproject", "res_statsd", "res_http_websocket", "res_rtp_asterisk", "res_srtp"),
    *("res_crypto", "res_speech", "res_pjsip", "res_pjsip_session", "res_pjsip_pubsub"),
    *("res_pjsip_outbound_registration", "res_pjsip_outbound_authenticator_digest"),
    *("res_pjsip_authenticator_digest", "res_pjsip_endpoint_identifier_user"),
    *("res_pjsip_endpoint_identifier_ip", "res_pjsip_registrar", "res_pjsip_acl"),
    *("res_pjsip_sdp_rtp", "res_pjsip_nat", "res_pjsip_caller_id", "res_pjsip_header_funcs"),
    *("res_pjsip_dtmf_info", "chan_pjsip", "pbx_config", "res_agi", "app_dial", "app_stack"),
    *("codec_alaw", "codec_ulaw", "codec_g722", "func_callerid", "func_channel", "func_cdr"),
    *("func_strings", "func_logic", "func_timeout", "func_groupcount", "func_dialplan"),
    *("func_pjsip_endpoint", "res_cdrel_custom", "cdr_custom", "bridge_simple"),
)
"""What our files speak to. One that this Asterisk does not have, or builds in, is no problem."""

_EMPTY = (
    *("acl.conf", "ccss.conf", "cel.conf", "codecs.conf", "dnsmgr.conf", "features.conf"),
    *("pjproject.conf", "rtp.conf", "statsd.conf", "udptl.conf", "stasis.conf", "http.conf"),
)
"""Files whose absence Asterisk would complain of."""
_DIRECTORIES = (
    *("astetcdir", "astvarlibdir", "astdbdir", "astkeydir", "astspooldir", "astrundir"),
    "astlogdir",
)


@dataclass(frozen=True, slots=True)
class _Place:
    """The folder of one throw-away server: as we see it, and as the server does."""

    outside: Path
    inside: Path
    command: tuple[str, ...]

    def argv(self, *options: str) -> tuple[str, ...]:
        return (*self.command, "-C", str(self.inside / "asterisk.conf"), *options)


def has_asterisk(asterisk: AsteriskSettings) -> bool:
    """Whether there is a program to try the files with."""
    return _program(asterisk) is not None


def try_out(files: Mapping[str, str], asterisk: AsteriskSettings) -> list[str]:
    """Load a whole generation of files in an Asterisk of its own.

    Returns:
        What it complained of and what it lacks, in its own words; empty where all is well.

    Raises:
        CheckFailed: it did not start, or not in time.
    """
    deadline = time.monotonic() + LONGEST_SECONDS
    with _place(asterisk) as place:
        _write(place, files, asterisk)
        with _running(place):
            _wait_until_booted(place, deadline)
            missing = endpoint_names(files) - _endpoints(place)
            dialplan = _ask(place, "dialplan show siptrunk-generation")
        return [
            *_complaints(place),
            *(f"it has no endpoint {name}" for name in sorted(missing)[:_MOST_TOLD]),
            *([] if "1 context" in dialplan else ["it has not read the dialplan to its end"]),
        ]


def _program(asterisk: AsteriskSettings) -> str | None:
    """The program's path as it is called, in its root where it has one."""
    if not asterisk.binary:
        return None
    if not asterisk.root:
        return shutil.which(asterisk.binary, path="/usr/sbin:/usr/local/sbin:/usr/bin")
    folders = [""] if "/" in asterisk.binary else ["/usr/sbin/", "/usr/local/sbin/"]
    paths = (f"{folder}{asterisk.binary}" for folder in folders)
    return next((path for path in paths if Path(f"{asterisk.root}{path}").is_file()), None)


@contextmanager
def _place(asterisk: AsteriskSettings) -> Iterator[_Place]:
    program = _program(asterisk)
    if program is None:
        raise CheckFailed(f"There is no program {asterisk.binary!r} to try the files with.")
    root = Path(asterisk.root) if asterisk.root else None
    chroot = ("chroot", str(root)) if root else ()
    with tempfile.TemporaryDirectory(
        prefix="siptrunk-", dir=root / "tmp" if root else None
    ) as name:
        folder = Path(name)
        inside = Path("/") / folder.relative_to(root) if root else folder
        yield _Place(folder, inside, (*chroot, program))


def _write(place: _Place, files: Mapping[str, str], asterisk: AsteriskSettings) -> None:
    folder = place.outside
    (folder / FOLDER).mkdir()
    (folder / "keys").mkdir()
    for name, text in {**_base(place, files, asterisk), **_disarmed(files)}.items():
        (folder / name).write_text(text, encoding="utf-8")


def _base(place: _Place, files: Mapping[str, str], asterisk: AsteriskSettings) -> dict[str, str]:
    """What stands around our files: the least that Asterisk needs."""
    directories = "".join(f"{key} => {place.inside}\n" for key in _DIRECTORIES)
    modules = "".join(f"load = {name}.so\n" for name in _MODULES)
    pjsip = "" if asterisk.global_section else "[global]\ntype = global\n"
    if not re.search(r"^type\s*=\s*transport", files["pjsip_base.conf"], re.MULTILINE):
        pjsip += f"[try]\ntype = transport\nprotocol = udp\nbind = {_free_address()}\n"
    return {
        **dict.fromkeys(_EMPTY, ""),
        "asterisk.conf": f"[directories]\n{directories}[options]\nlive_dangerously = no\n",
        "modules.conf": f"[modules]\nautoload = no\n{modules}",
        "indications.conf": "[general]\ncountry = us\n[us]\ndescription = US\ndial = 350+440\n",
        "logger.conf": "[general]\n[logfiles]\nproblems => warning,error\n",
        "pjsip.conf": f"{pjsip}#include {FOLDER}/pjsip.conf\n",
        "extensions.conf": f"#include {FOLDER}/extensions.conf\n",
        "manager.conf": "[general]\nenabled = no\n"
        f"#include {FOLDER}/manager_general.conf\n#include {FOLDER}/manager.conf\n",
        "cdr.conf": f"#include {FOLDER}/cdr.conf\n",
        "cdr_custom.conf": f"#include {FOLDER}/cdr_custom.conf\n",
    }


def _disarmed(files: Mapping[str, str]) -> dict[str, str]:
    """Our files, with nothing in them that would reach out, or take the real server's ports."""
    changes = (
        (r"^(bind\s*=\s*).*$", lambda found: f"{found[1]}{_free_address()}"),
        (r"^(qualify_frequency\s*=\s*).*$", r"\g<1>0"),
        (r"^(server_uri\s*=\s*).*$", r"\g<1>sip:127.0.0.1:1"),
    )
    disarmed = {}
    for name, text in files.items():
        for pattern, replacement in changes if name.startswith("pjsip") else ():
            text = re.sub(pattern, replacement, text, flags=re.MULTILINE)  # noqa: PLW2901
        disarmed[f"{FOLDER}/{name}"] = text
    return disarmed


def _free_address() -> str:
    """An address on loopback whose port nobody holds right now, neither for UDP nor for TCP."""
    for _ in range(_PORT_ATTEMPTS):
        with socket.socket(type=socket.SOCK_DGRAM) as udp, socket.socket() as tcp:
            udp.bind(("127.0.0.1", 0))
            port = udp.getsockname()[1]
            with suppress(OSError):
                tcp.bind(("127.0.0.1", port))
                return f"127.0.0.1:{port}"
    raise CheckFailed("No port of 127.0.0.1 is free for a throw-away Asterisk.")


@contextmanager
def _running(place: _Place) -> Iterator[None]:
    with (place.outside / "console").open("wb") as console:
        # The program that the settings name, with arguments of our own.
        server = subprocess.Popen(  # noqa: S603 # nosec B603
            place.argv("-f", "-n"),
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield
        finally:
            server.terminate()
            try:
                server.wait(_END_SECONDS)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _wait_until_booted(place: _Place, deadline: float) -> None:
    while "fully booted" not in _ask(place, "core waitfullybooted"):
        if time.monotonic() > deadline:
            console = (place.outside / "console").read_text(errors="replace")
            raise CheckFailed(
                f"A throw-away Asterisk did not start in {LONGEST_SECONDS:.0f} s with these files: "
                f"{console[-300:]}"
            )
        time.sleep(_POLL_SECONDS)


def _ask(place: _Place, question: str) -> str:
    try:
        # The program that the settings name, with arguments of our own.
        done = subprocess.run(  # noqa: S603 # nosec B603
            place.argv("-rx", question),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_ANSWER_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def _endpoints(place: _Place) -> frozenset[str]:
    listed = _ask(place, "pjsip list endpoints")
    return frozenset(re.findall(r"^ Endpoint:\s+(\S+?)(?:/\S*)?\s", listed, re.MULTILINE))


def _complaints(place: _Place) -> list[str]:
    log = place.outside / "problems"
    text = log.read_text(errors="replace") if log.exists() else ""
    # loader.c: modules of our list that this Asterisk does not have, or has built in.
    told = re.findall(r"(?:WARNING|ERROR)\[\d+\] (?!loader\.c).*", text)
    return [line.replace(f"{place.inside}/", "") for line in told[:_MOST_TOLD]]
