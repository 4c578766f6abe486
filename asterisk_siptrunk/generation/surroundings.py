"""What Asterisk's own files say, and what of it would not work with ours."""

import re
from collections.abc import Iterator
from pathlib import Path

from asterisk_siptrunk.errors import CheckFailed, ConfigurationError
from asterisk_siptrunk.generation.store import FOLDER, rights_hint
from asterisk_siptrunk.settings import AsteriskSettings

_NEEDED = ("chan_pjsip.so", "res_pjsip.so", "pbx_config.so", "res_agi.so", "app_dial.so")
_LOADING = frozenset({"load", "require", "preload", "preload-require"})
_TRUE = frozenset({"yes", "true", "y", "t", "1", "on"})  # ast_true() of main/utils.c
_DEEPEST_INCLUDE = 10  # MAX_INCLUDE_LEVEL of include/asterisk/config.h
_INCLUDE = re.compile(r'#(?:try)?include\s+[<"]?([^>"\s]+)')
_GENERAL = re.compile(r"\s*\[general\]", re.IGNORECASE)

Setting = tuple[str, str]


def obstacles(asterisk: AsteriskSettings) -> tuple[str, ...]:
    """Everything of this server that would not work with ours, each with what to do about it.

    Raises:
        ConfigurationError: a file of Asterisk's cannot be read.
    """
    folder = asterisk.config_dir
    if not is_there(folder / "asterisk.conf"):
        return (
            f"{folder}: there is no asterisk.conf; set config_dir of [asterisk] in siptrunk.toml.",
        )
    return (*_modules(folder), *_other_pjsip(asterisk), *_manager(folder))


def tls_problems(asterisk: AsteriskSettings) -> tuple[str, ...]:
    """What is wrong with the files of the TLS transport, where we are to open one."""
    named = {"tls_certificate": asterisk.tls_certificate, "tls_key": asterisk.tls_key}
    given = {key: file for key, file in named.items() if file}
    if not asterisk.sip_port or not given:
        return ()
    lacking = [
        f"[asterisk] {key} is empty, and TLS needs tls_certificate and tls_key; set both or none."
        for key in named.keys() - given
    ]
    gone = [
        f"[asterisk] {key}: {file} is not there, and TLS would not be offered."
        for key, file in given.items()
        if not _may_be_there(Path(f"{asterisk.root}{file}"))
    ]
    return (*lacking, *gone)


def require_fit(asterisk: AsteriskSettings) -> None:
    """Refuse what would break at a reload, or at the next start of Asterisk.

    Raises:
        CheckFailed: something around our files would not work with them.
    """
    if found := (*obstacles(asterisk), *tls_problems(asterisk)):
        whole = "\n".join(found)
        raise CheckFailed(f"Asterisk would not work with our files:\n{whole}")


def _may_be_there(file: Path) -> bool:
    """Whether a file is there; one that only Asterisk's own account may look for is taken to be."""
    try:
        return file.is_file()
    except OSError:
        return True


def general_section(manager: Path) -> tuple[Path, str] | None:
    """The file, of those that make up manager.conf, where [general] begins, and that line."""
    found = ((file, line) for file in _files(manager) for line in lines_of(file))
    return next(((file, line) for file, line in found if _GENERAL.match(line)), None)


def included_by(file: Path) -> list[Path]:
    """Files that a file of Asterisk's includes, theirs too; ours are left out."""
    return list(_files(file))[1:]


def includes_of(file: Path) -> list[str]:
    """What a file includes, as written."""
    return [include[1] for line in lines_of(file) if (include := _INCLUDE.match(line.strip()))]


def lines_of(file: Path) -> list[str]:
    """The lines of a file without their ends; none where it is not there."""
    try:
        text = file.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _unreadable(file, error) from error
    return text.removesuffix("\n").split("\n") if text else []


def is_there(file: Path) -> bool:
    """Whether there is such a file.

    Raises:
        ConfigurationError: this account may not look.
    """
    try:
        return file.is_file()
    except OSError as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{file}: cannot be read: {error.strerror}.{rights_hint(error)}")


def _modules(folder: Path) -> Iterator[str]:
    entries = _settings(folder / "modules.conf")
    autoload = any(key == "autoload" and _is_true(value) for key, value in entries)
    for module in _NEEDED:
        names = {module, module.removesuffix(".so")}
        off = any(key == "noload" and value in names for key, value in entries)
        loaded = any(key in _LOADING and value in names for key, value in entries)
        if off or not (autoload or loaded):
            yield (
                f"{folder}/modules.conf: Asterisk does not load {module}, and a trunk needs it; "
                f"take its 'noload' out, or add 'load = {module}'."
            )


def _other_pjsip(asterisk: AsteriskSettings) -> Iterator[str]:
    file = asterisk.config_dir / "pjsip.conf"
    entries = _settings(file)
    types = [value for key, value in entries if key == "type"]
    if "global" in types:
        yield from _other_global(asterisk, file, entries)
    if asterisk.sip_port and "transport" in types:
        yield (
            f"{file} opens transports of its own; set sip_port = 0 of [asterisk] in siptrunk.toml "
            "to use those."
        )
    if not asterisk.sip_port and "transport" not in types:
        yield f"{file} opens no transport; set sip_port of [asterisk] in siptrunk.toml."


def _other_global(asterisk: AsteriskSettings, file: Path, entries: list[Setting]) -> Iterator[str]:
    if asterisk.global_section:
        yield (
            f"{file} has a section of type=global, and Asterisk takes one alone; set "
            "global_section = false of [asterisk] in siptrunk.toml to leave it at that."
        )
    orders = [value for key, value in entries if key == "endpoint_identifier_order"]
    if not orders or "auth_username" not in orders[-1]:
        yield (
            f"{file}: PBXs are known by the name they authenticate with, and [global] does not "
            "look for it; add 'endpoint_identifier_order = username,auth_username,ip' there."
        )


def _manager(folder: Path) -> Iterator[str]:
    file = folder / "manager.conf"
    on = any(key == "enabled" and _is_true(value) for key, value in _settings(file))
    if not on or general_section(file) is None:
        yield (
            f"{file}: the manager interface is off, and changes could not be applied; set "
            "'enabled = yes' in its [general]."
        )


def _settings(file: Path) -> list[Setting]:
    """What a file and those that it includes set, whatever the section; ours are left out."""
    found: list[Setting] = []
    for each in _files(file):
        for line in lines_of(each):
            key, equals, value = line.partition(";")[0].partition("=")
            if equals:
                found.append((key.strip(), value.removeprefix(">").strip()))
    return found


def _is_true(value: str) -> bool:
    return value.lower() in _TRUE


def _files(file: Path, depth: int = 0) -> Iterator[Path]:
    """A file, and all that it includes but ours."""
    yield file
    for pattern in includes_of(file):
        if depth < _DEEPEST_INCLUDE and not pattern.startswith(f"{FOLDER}/"):
            for included in _matching(file, pattern):
                yield from _files(included, depth + 1)


def _matching(file: Path, pattern: str) -> list[Path]:
    if pattern.startswith("/"):
        return sorted(Path("/").glob(pattern.lstrip("/")))
    return sorted(file.parent.glob(pattern))
