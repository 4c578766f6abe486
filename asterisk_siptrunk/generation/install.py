"""Joins our files to those of an Asterisk that is there already, and takes them out again.

One line each in Asterisk's own files includes ours; nothing else of them is touched.
"""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from asterisk_siptrunk.errors import ConfigurationError
from asterisk_siptrunk.generation.store import FOLDER, Store, rights_hint
from asterisk_siptrunk.generation.surroundings import (
    general_section,
    included_by,
    includes_of,
    lines_of,
    obstacles,
)
from asterisk_siptrunk.settings import AsteriskSettings
from asterisk_siptrunk.whole_file import whole_file

_INCLUDED = (
    "pjsip.conf",
    "extensions.conf",
    "manager.conf",
    "manager_general.conf",
    "cdr.conf",
    "cdr_custom.conf",
    "cdr_custom_mapping.conf",
)
_MAPPINGS = "[mappings]"
_FILE_MODE = 0o640


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
    if found := obstacles(asterisk):
        raise ConfigurationError("\n".join(found))
    return missing_edits(asterisk)


def missing_edits(asterisk: AsteriskSettings) -> tuple[Edit, ...]:
    """Find the lines that are missing, whatever else is wrong."""
    return tuple(edit for edit in _edits(asterisk.config_dir) if not _has(edit))


def uninstall_edits(asterisk: AsteriskSettings) -> tuple[Edit, ...]:
    """Find the lines that are there, to be taken out."""
    folder = asterisk.config_dir
    lines = {f"#include {FOLDER}/{name}" for name in _INCLUDED}
    own = [folder / name for name in _INCLUDED] + [folder / "manager.d" / f"{FOLDER}.conf"]
    files = dict.fromkeys([*own, *included_by(folder / "manager.conf")])
    return tuple(
        Edit(file, line) for file in files for line in lines_of(file) if line.strip() in lines
    )


def install(edits: tuple[Edit, ...], store: Store) -> None:
    """Put the lines in, each file by rename; our own files come first, empty if need be.

    Raises:
        ConfigurationError: a file cannot be written; those before it are done, and doing it again
            goes on from there.
    """
    store.prepare(_INCLUDED)
    for edit in edits:
        _rewrite(edit.file, _with(lines_of(edit.file), edit))


def uninstall(edits: tuple[Edit, ...]) -> None:
    """Take the lines out; our own folder stays, and nothing reads it.

    Raises:
        ConfigurationError: a file cannot be written.
    """
    for edit in edits:
        left = [line for line in lines_of(edit.file) if line != edit.line]
        if left or edit.file.parent.name != "manager.d":
            _rewrite(edit.file, left)
        else:
            edit.file.unlink()


def _edits(folder: Path) -> Iterator[Edit]:
    for name in ("pjsip.conf", "extensions.conf", "cdr.conf"):
        yield Edit(folder / name, f"#include {FOLDER}/{name}")
    includes_folder = any("manager.d/" in line for line in includes_of(folder / "manager.conf"))
    manager = (
        folder / "manager.d" / f"{FOLDER}.conf" if includes_folder else folder / "manager.conf"
    )
    yield Edit(manager, f"#include {FOLDER}/manager.conf")
    # In the section itself: `[general](+)` in a file of ours makes Asterisk reject all of
    # manager.conf where that is included before the section (main/config.c).
    if general := general_section(folder / "manager.conf"):
        yield Edit(general[0], f"#include {FOLDER}/manager_general.conf", general[1])
    journal = folder / "cdr_custom.conf"
    # Of two sections [mappings] the module reads the first alone.
    section = next((line for line in lines_of(journal) if line.strip().startswith(_MAPPINGS)), None)
    name = "cdr_custom_mapping.conf" if section else "cdr_custom.conf"
    yield Edit(journal, f"#include {FOLDER}/{name}", section)


def _has(edit: Edit) -> bool:
    return any(line.strip() == edit.line for line in lines_of(edit.file))


def _with(lines: list[str], edit: Edit) -> list[str]:
    at = lines.index(edit.after) + 1 if edit.after in lines else len(lines)
    return [*lines[:at], edit.line, *lines[at:]]


def _rewrite(file: Path, lines: list[str]) -> None:
    """Put a file's new text in place by rename, with the owner and mode it had."""
    target = file.resolve()
    text = "".join(f"{line}\n" for line in lines)
    try:
        with whole_file(target) as fresh:
            fresh.write_text(text, encoding="utf-8", errors="surrogateescape", newline="")
            like = target if target.exists() else target.parent
            status = like.stat()
            os.chown(fresh, status.st_uid, status.st_gid)
            if target.exists():
                shutil.copymode(target, fresh)
            else:
                fresh.chmod(_FILE_MODE)
    except OSError as error:
        raise ConfigurationError(
            f"{file}: cannot be written: {error.strerror}.{rights_hint(error)}"
        ) from error
