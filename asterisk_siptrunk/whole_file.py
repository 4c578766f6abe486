"""Files that take their name when they are whole, and not before."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def whole_file(target: Path) -> Iterator[Path]:
    """A new file beside the target, open to its owner alone, that takes its place after the block.

    It is on the disk by then. Where the block fails, the target is as it was, and nothing is left.

    Raises:
        OSError: it cannot be made, or not take its place.
    """
    descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}-")
    fresh = Path(name)
    try:
        yield fresh
        os.fsync(descriptor)
        fresh.replace(target)
        sync_folder(target.parent)
    finally:
        # Not before SQLite is done with the file: to close it here takes SQLite's locks away.
        os.close(descriptor)
        fresh.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """Make renames in the folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
