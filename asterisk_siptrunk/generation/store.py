"""Our folder beside Asterisk's own files: read, and changed as a whole or not at all."""

import fcntl
import grp
import os
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from asterisk_siptrunk.errors import ApplyBusy, ConfigurationError
from asterisk_siptrunk.generation import manifest as manifests
from asterisk_siptrunk.generation.manifest import Manifest
from asterisk_siptrunk.whole_file import sync_folder

FOLDER = "siptrunk"
_PREVIOUS, _BEFORE, _STAGED, _LOCK = "previous", "before", "staged", "lock"
_FILE_MODE, _FOLDER_MODE = 0o640, 0o750


class Store:
    """The folder `siptrunk/` of one Asterisk.

    Beside the files stand `previous/`, the generation before, and while one is applied `staged/`,
    what is to come, and `before/`, what was.
    """

    def __init__(self, config_dir: Path, group: str = "") -> None:
        self.folder = config_dir / FOLDER
        self._group = group

    @property
    def is_here(self) -> bool:
        """Whether there is such a folder: on each machine where an Asterisk of ours is.

        Raises:
            ConfigurationError: this account may not look.
        """
        try:
            return self.folder.is_dir()
        except OSError as error:
            raise _unusable(error) from error

    def manifest(self) -> Manifest:
        """What stands there, as it was noted."""
        return _manifest(self.folder)

    def previous(self) -> Manifest:
        """The generation before."""
        return _manifest(self.folder / _PREVIOUS)

    def texts(self, names: Collection[str]) -> dict[str, str]:
        """The files of these names, as far as they are there.

        Raises:
            ConfigurationError: one cannot be read.
        """
        return _texts(self.folder, names)

    def previous_texts(self) -> dict[str, str]:
        """All files of the generation before."""
        return _texts(self.folder / _PREVIOUS, self.previous().files)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep others from applying meanwhile.

        Raises:
            ApplyBusy: another is at it; nothing was changed.
            ConfigurationError: this account may not write there.
        """
        self._make(self.folder, exist_ok=True)
        try:
            lock = open(self.folder / _LOCK, "w", opener=_closed_to_others)  # noqa: SIM115
        except OSError as error:
            raise _unusable(error) from error
        self._give(self.folder / _LOCK)
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise ApplyBusy(
                    f"{self.folder}: another process is applying a configuration; wait for it."
                ) from None
            yield

    def prepare(self, names: Iterable[str]) -> None:
        """Make the folder, with these files empty where they are not there yet.

        Asterisk rejects the whole of a file that includes one which is not there.

        Raises:
            ConfigurationError: a file cannot be written.
        """
        self._make(self.folder, exist_ok=True)
        try:
            for name in names:
                if not (self.folder / name).exists():
                    self._write(self.folder / name, "")
        except OSError as error:
            raise _unusable(error) from error

    def put(self, files: Mapping[str, str]) -> None:
        """Put single files in place by rename; no generation comes of it.

        Raises:
            ConfigurationError: a file cannot be written.
        """
        staged = self._fresh(_STAGED)
        try:
            for name, text in files.items():
                self._write(staged / name, text)
                (staged / name).replace(self.folder / name)
            staged.rmdir()
            sync_folder(self.folder)
        except OSError as error:
            raise _unusable(error) from error

    def swap(self, files: Mapping[str, str], after: Manifest) -> None:
        """Put new files in place by rename, keeping all that was in `before/`.

        Raises:
            ConfigurationError: a file cannot be written; none was replaced, or `restore` it.
        """
        staged = self._fresh(_STAGED)
        before = self._fresh(_BEFORE)
        try:
            # The manifest last: files that it does not know are found changed, and rendered anew.
            whole = {**files, manifests.FILE: manifests.to_json(after)}
            for name, text in whole.items():
                self._write(staged / name, text)
            for path in _files(self.folder):
                (before / path.name).hardlink_to(path)
            for name in whole:
                (staged / name).replace(self.folder / name)
            self._keep_only(whole.keys() | after.files)
            staged.rmdir()
            sync_folder(self.folder)
        except OSError as error:
            raise _unusable(error) from error

    def restore(self) -> None:
        """Put back what `swap` replaced, and remove what it added."""
        before = self.folder / _BEFORE
        there = _files(before)
        self._keep_only(path.name for path in there)
        for path in there:
            path.replace(self.folder / path.name)
        # A rename of one of two links to the same file does nothing: those are left over here.
        shutil.rmtree(before)
        sync_folder(self.folder)

    def keep(self) -> None:
        """Make what `swap` replaced the generation before: the new one holds."""
        previous = self.folder / _PREVIOUS
        shutil.rmtree(previous, ignore_errors=True)
        (self.folder / _BEFORE).replace(previous)

    def _keep_only(self, names: Iterable[str]) -> None:
        kept = frozenset(names)
        for path in _files(self.folder):
            if path.name not in kept:
                path.unlink()

    def _fresh(self, name: str) -> Path:
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        self._make(folder)
        return folder

    def _make(self, folder: Path, *, exist_ok: bool = False) -> None:
        try:
            folder.mkdir(mode=_FOLDER_MODE, exist_ok=exist_ok)
        except OSError as error:
            raise _unusable(error) from error
        self._give(folder)

    def _write(self, path: Path, text: str) -> None:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _FILE_MODE)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - of a descriptor
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        self._give(path)

    def _give(self, path: Path) -> None:
        """Let Asterisk's group read it; where there is no such group, Asterisk is our own user.

        And let whoever owns our folder change it: root applies, and the service's account does.
        Nothing that a link leads to: that account could lead root to any file.
        """
        owner = self.folder.stat().st_uid if os.geteuid() == 0 else -1
        with suppress(PermissionError):
            os.chown(path, owner, _group_id(self._group), follow_symlinks=False)


def _group_id(name: str) -> int:
    """The number of a group; where there is none such, what leaves the group as it is."""
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        return -1


def _files(folder: Path) -> list[Path]:
    """Our files in a folder, the manifest last."""
    found = [path for path in folder.glob("*.conf") if path.is_file()]
    manifest = folder / manifests.FILE
    return [*sorted(found), manifest] if manifest.exists() else sorted(found)


def _manifest(folder: Path) -> Manifest:
    try:
        return manifests.from_json((folder / manifests.FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Manifest()
    except OSError as error:
        raise _unusable(error) from error


def _texts(folder: Path, names: Collection[str]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = (folder / name).read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            continue
        except OSError as error:
            raise _unusable(error) from error
    return found


def rights_hint(error: OSError) -> str:
    """What to do where an account has not the right to do something."""
    return " Run siptrunk as root." if isinstance(error, PermissionError) else ""


def _closed_to_others(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW, _FILE_MODE)


def _unusable(error: OSError) -> ConfigurationError:
    return ConfigurationError(f"{error.filename}: {error.strerror}.{rights_hint(error)}")
