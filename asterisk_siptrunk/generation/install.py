"""Joins our files to those of an Asterisk that is there already, and takes them out again.

One line each in Asterisk's own files includes ours; nothing else of them is touched.
"""

import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asterisk_siptrunk.errors import ConfigurationError
from asterisk_siptrunk.generation.store import FOLDER, Store
from asterisk_siptrunk.settings import AsteriskSettings

_INCLUDED = (
    "pjsip.conf",
    "extensions.conf",
    "manager.conf",
    "cdr.conf",
    "cdr_custom.conf",
    "cdr_custom_mapping.conf",
)
_MAPPINGS = "[mappings]"
_NEEDED = ("chan_pjsip.so", "res_pjsip.so", "pbx_config.so", "res_agi.so", "app_dial.so")
_LOADING = frozenset({"load", "require", "preload", "preload-require"})
_DEEPEST_INCLUDE = 10  # MAX_INCLUDE_LEVEL of include/asterisk/config.h
_FILE_MODE = 0o640
_INCLUDE = re.compile(r'#(?:try)?include\s+[<"]?([^>"\s]+)')


@dataclass(frozen=True, slots=True)
class Edit:
    """One line to put into a file of Asterisk's, or to take out.

    `after` is the line that it goes behind; None is the end of the file.
    """

    file: Path
    line: str
    after: str | None = None

    def __str__(self) -> str:
        """Say where the line goes."""
        place = f", after {self.after}" if self.after else ""
        return f"{self.file}{place}: {self.line}"


def install_edits(asterisk: AsteriskSettings) -> tuple[Edit, ...]:
    """Find the lines that are missing; none where all is installed.

    Raises:
        ConfigurationError: something of this server would not work with ours; what to do about it.
    """
    folder = asterisk.config_dir
    if not (folder / "asterisk.conf").is_file():
        raise ConfigurationError(
            f"{folder}: there is no asterisk.conf; set config_dir of [asterisk] in siptrunk.toml."
        )
    _refuse_without_modules(folder)
    _refuse_other_pjsip(asterisk)
    _refuse_without_manager(folder)
    return tuple(edit for edit in _edits(folder) if not _has(edit))


def uninstall_edits(asterisk: AsteriskSettings) -> tuple[Edit, ...]:
    """Find the lines that are there, to be taken out."""
    folder = asterisk.config_dir
    lines = {f"#include {FOLDER}/{name}" for name in _INCLUDED}
    files = [folder / name for name in _INCLUDED] + [folder / "manager.d" / f"{FOLDER}.conf"]
    return tuple(
        Edit(file, line) for file in files for line in _lines(file) if line.strip() in lines
    )


def install(edits: tuple[Edit, ...], store: Store) -> None:
    """Put the lines in, each file by rename; our own files come first, empty if need be.

    Raises:
        ConfigurationError: a file cannot be written; those before it are done, and doing it again
            goes on from there.
    """
    store.prepare(_INCLUDED)
    for edit in edits:
        _rewrite(edit.file, _with(_lines(edit.file), edit))


def uninstall(edits: tuple[Edit, ...]) -> None:
    """Take the lines out; our own folder stays, and nothing reads it.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    for edit in edits:
        left = [line for line in _lines(edit.file) if line != edit.line]
        if left or edit.file.parent.name != "manager.d":
            _rewrite(edit.file, left)
        else:
            edit.file.unlink()


def _edits(folder: Path) -> Iterator[Edit]:
    for name in ("pjsip.conf", "extensions.conf", "cdr.conf"):
        yield Edit(folder / name, f"#include {FOLDER}/{name}")
    includes_folder = any("manager.d/" in line for line in _includes(folder / "manager.conf"))
    manager = (
        folder / "manager.d" / f"{FOLDER}.conf" if includes_folder else folder / "manager.conf"
    )
    yield Edit(manager, f"#include {FOLDER}/manager.conf")
    journal = folder / "cdr_custom.conf"
    # Of two sections [mappings] the module reads the first alone.
    section = next((line for line in _lines(journal) if line.strip().startswith(_MAPPINGS)), None)
    name = "cdr_custom_mapping.conf" if section else "cdr_custom.conf"
    yield Edit(journal, f"#include {FOLDER}/{name}", section)


def _has(edit: Edit) -> bool:
    return any(line.strip() == edit.line for line in _lines(edit.file))


def _with(lines: list[str], edit: Edit) -> list[str]:
    at = lines.index(edit.after) + 1 if edit.after in lines else len(lines)
    return [*lines[:at], edit.line, *lines[at:]]


def _refuse_without_modules(folder: Path) -> None:
    entries = _settings(folder / "modules.conf")
    autoload = ("autoload", "yes") in entries
    for module in _NEEDED:
        names = {module, module.removesuffix(".so")}
        off = any(key == "noload" and value in names for key, value in entries)
        loaded = any(key in _LOADING and value in names for key, value in entries)
        if off or not (autoload or loaded):
            raise ConfigurationError(
                f"{folder}/modules.conf: Asterisk does not load {module}, and a trunk needs it; "
                f"take its 'noload' out, or add 'load = {module}'."
            )


def _refuse_other_pjsip(asterisk: AsteriskSettings) -> None:
    file = asterisk.config_dir / "pjsip.conf"
    entries = _settings(file)
    types = [value for key, value in entries if key == "type"]
    if "global" in types:
        _refuse_global(asterisk, file, entries)
    if asterisk.sip_port and "transport" in types:
        raise ConfigurationError(
            f"{file} opens transports of its own; set sip_port = 0 of [asterisk] in siptrunk.toml "
            "to use those."
        )
    if not asterisk.sip_port and "transport" not in types:
        raise ConfigurationError(
            f"{file} opens no transport; set sip_port of [asterisk] in siptrunk.toml."
        )


def _refuse_global(asterisk: AsteriskSettings, file: Path, entries: list[tuple[str, str]]) -> None:
    if asterisk.global_section:
        raise ConfigurationError(
            f"{file} has a section of type=global, and Asterisk takes one alone; set "
            "global_section = false of [asterisk] in siptrunk.toml to leave it at that."
        )
    orders = [value for key, value in entries if key == "endpoint_identifier_order"]
    if not orders or "auth_username" not in orders[-1]:
        raise ConfigurationError(
            f"{file}: PBXs are known by the name they authenticate with, and [global] does not "
            "look for it; add 'endpoint_identifier_order = username,auth_username,ip' there."
        )


def _refuse_without_manager(folder: Path) -> None:
    file = folder / "manager.conf"
    if ("enabled", "yes") not in _settings(file):
        raise ConfigurationError(
            f"{file}: the manager interface is off, and changes could not be applied; set "
            "'enabled = yes' in its [general]."
        )


def _settings(file: Path, depth: int = 0) -> list[tuple[str, str]]:
    """What a file and those that it includes set, whatever the section; ours are left out."""
    found: list[tuple[str, str]] = []
    for line in _lines(file):
        text = line.partition(";")[0].strip()
        key, equals, value = text.partition("=")
        if equals:
            found.append((key.strip(), value.removeprefix(">").strip()))
        include = _INCLUDE.match(text)
        if include and depth < _DEEPEST_INCLUDE and not include[1].startswith(f"{FOLDER}/"):
            for included in _matching(file, include[1]):
                found += _settings(included, depth + 1)
    return found


def _includes(file: Path) -> list[str]:
    """What a file includes, as written."""
    return [include[1] for line in _lines(file) if (include := _INCLUDE.match(line.strip()))]


def _matching(file: Path, pattern: str) -> list[Path]:
    if pattern.startswith("/"):
        return sorted(Path("/").glob(pattern.lstrip("/")))
    return sorted(file.parent.glob(pattern))


def _lines(file: Path) -> list[str]:
    """The lines of a file without their ends; none where it is not there."""
    try:
        text = file.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read: {error.strerror}.") from error
    return text.removesuffix("\n").split("\n") if text else []


def _rewrite(file: Path, lines: list[str]) -> None:
    """Put a file's new text in place by rename, with the owner and mode it had."""
    target = file.resolve()
    fresh = target.with_name(f".{target.name}.siptrunk")
    text = "".join(f"{line}\n" for line in lines)
    try:
        with open(fresh, "wb", opener=_private) as out:
            out.write(text.encode(errors="surrogateescape"))
            out.flush()
            os.fsync(out.fileno())
        like = target if target.exists() else target.parent
        status = like.stat()
        os.chown(fresh, status.st_uid, status.st_gid)
        if target.exists():
            shutil.copymode(target, fresh)
        fresh.replace(target)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise ConfigurationError(f"{file}: cannot be written: {error.strerror}.") from error


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, _FILE_MODE)
