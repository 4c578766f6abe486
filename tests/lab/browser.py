"""A real browser without a window: Debian's Chromium, driven by Playwright.

Playwright brings the driver with its wheel, and is told which browser to start: it fetches none.
"""

from __future__ import annotations

import os
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from playwright.sync_api import sync_playwright

from tests.lab import sandbox
from tests.lab.processes import Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Browser, Page, Playwright

    from tests.lab.places import Program

DESK, PHONE = (1280, 900), (390, 844)
"""Widths and heights in CSS pixels; the phone's are those of a common one."""
SETTLED = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"
"""Whether nothing of a page is on its way: parts that are asked for as soon as it is there."""
PATIENCE_MS = 10_000.0
"""For whatever is waited for in a page: the machine may be busy."""

# A browser in a private root needs /proc, shared memory, and the folder that Playwright shares with
# it. They are mounted in a namespace of the browser's own and go away with it.
_ENTER = """\
#!/bin/sh
exec unshare --mount --pid --fork --kill-child sh -c '
mount -t proc proc "$0/proc" && mount -t tmpfs tmpfs "$0/dev/shm" &&
mkdir -p "$0$1" && mount --bind "$1" "$0$1" || exit 70
root=$0; program=$2; shift 2
exec chroot "$root" "$program" "$@"
' '{root}' '{shared}' '{program}' "$@"
"""


@dataclass
class Visit:
    """One person's browser: a page, and all that went wrong in it.

    Attributes:
        address: of the site, such as http://127.0.0.1:8080.
        complaints: errors and warnings of the console, a breach of the content security policy
            among them, and what scripts threw.
    """

    page: Page
    address: str
    complaints: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _hear(self, message: object) -> None:
        kind, text = message.type, message.text  # type: ignore[attr-defined] # ConsoleMessage
        if kind in {"error", "warning"}:
            self.complaints.append(f"{self.page.url}: {text}")

    def go(self, path: str) -> int:
        """Open a page of the site; the status that it came with."""
        answer = self.page.goto(f"{self.address}{path}")
        return answer.status if answer else 0

    def log_in(self, login: str, password: str) -> None:
        """Fill the door's form in, and wait for the page behind it."""
        self.go("/login")
        self.page.locator("[name=login]").fill(login)
        self.page.locator("[name=password]").fill(password)
        self.page.get_by_role("button").click()
        self.page.wait_for_url(lambda url: "/login" not in url)


class Chromium(Running):
    """The browser, as a context manager; each visit has cookies of its own."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="siptrunk-browser-")
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def begin(self) -> None:
        """Start it."""
        self._playwright = sync_playwright().start()
        folder = Path(self._folder.name)
        self._browser = self._playwright.chromium.launch(
            executable_path=start_script(sandbox.chromium(), folder),
            # Chromium's own sandbox does not work for root, as whom tests run in a container. It
            # visits our own pages alone.
            chromium_sandbox=False,
            env={**os.environ, "HOME": str(folder)},
        )

    def close(self) -> None:
        """End it, and its driver."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._folder.cleanup()

    @contextmanager
    def visit(
        self,
        address: str,
        *,
        size: tuple[int, int] = DESK,
        language: str = "en-GB",
        dark: bool = False,
    ) -> Iterator[Visit]:
        """Somebody who looks at a site, with a screen of that size."""
        assert self._browser is not None
        context = self._browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=language,
            timezone_id="Europe/Paris",
            color_scheme="dark" if dark else "light",
            has_touch=size == PHONE,
            reduced_motion="reduce",
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield Visit(context.new_page(), address)
        finally:
            context.close()


def start_script(program: Program, folder: Path) -> Path:
    """The file that Playwright is to start."""
    if program.place.root is None:
        return Path(program.path)
    script = folder / "chromium"
    shared = tempfile.gettempdir()
    script.write_text(_ENTER.format(root=program.place.root, shared=shared, program=program.path))
    script.chmod(0o755)
    return script
