"""A clock for some programs alone, that can be stepped under way; this machine's is not touched."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.lab import sandbox

if TYPE_CHECKING:
    from pathlib import Path


class Clock:
    """Whatever is started with `environment` goes by it; it is `ahead` of ours.

    Clocks that only go forward, by which programs wait, go on as they are: as with a real step.
    """

    def __init__(self, folder: Path) -> None:
        library = shutil.copy(sandbox.faketime(), folder)
        self._file = folder / "clock"
        self.environment = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",  # all of them see the step at once, as if it were real
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        self.step(0)

    def step(self, ahead: float) -> None:
        """Set it ahead of this machine's by so many seconds."""
        # By rename: nobody may read half of it.
        fresh = self._file.with_suffix(".new")
        fresh.write_text(f"{ahead:+.0f}\n")
        fresh.replace(self._file)
        self.ahead = round(ahead)
