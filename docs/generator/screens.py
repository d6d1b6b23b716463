"""The manual's pictures of the pages, taken by a browser from what the demo finds: `python -m docs.generator.screens`.

Needs chromium and playwright, as the tests of the pages do. Texts, sites and names are the sample web's, so that the
pictures of two days differ in dates and in the sites' ports only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "docs" / "pictures"
WINDOW = {"width": 1280, "height": 720}  # pixels
LARGEST = 250_000  # bytes of a picture: the README loads all of them
TIMEOUT = 120  # seconds for the whole demo
COMPARED = "South of Italia divided"  # the rewrite that the README quotes


def main(folder: Path = PICTURES) -> None:
    """Writes the pictures into `folder`. Raises SystemExit where that can't be."""
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory(prefix="wiretrace-pictures-") as place:
        store = f"sqlite+aiosqlite:///{place}/demo.db"
        _wiretrace(place, "demo", "--db", store)
        with _served(place, store) as address, _window(address) as window:
            take_all(window, folder)


def chromium() -> str | None:
    """Where the browser is, None: there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def take_all(window: Any, folder: Path) -> None:
    """Inbox, one comparison and the table of sites, each as PNG."""
    window.goto("/")
    _take(window, folder, "inbox")
    window.goto("/?site=feedgazette.localhost")  # the inbox has more links than one page shows
    window.get_by_role("link", name=COMPARED).first.click()
    window.wait_for_url("**/links/*")
    window.locator("main h1").wait_for()
    _take(window, folder, "compare")
    window.goto("/sites")
    _take(window, folder, "sites", end="main")


def _take(window: Any, folder: Path, name: str, end: str = "") -> None:
    """What the window shows; down to the last line of the element `end`, where one is named."""
    path = folder / f"{name}.png"
    area = dict(WINDOW, x=0, y=0)
    if end:
        box = window.locator(end).bounding_box()
        area["height"] = min(area["height"], int(box["y"] + box["height"]))
    window.screenshot(path=path, clip=area, animations="disabled", caret="hide")
    size = path.stat().st_size
    if size > LARGEST:
        raise SystemExit(f"{path}: {size:,} bytes, expected at most {LARGEST:,}")
    sys.stderr.write(f"wrote {path} ({size:,} bytes)\n")


def _environment() -> dict[str, str]:
    """Without the settings of whoever takes the pictures."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("WIRETRACE_")}
    return kept | {"PYTHONPATH": str(ROOT)}


def _command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "crawler", *arguments]


def _wiretrace(place: str, *arguments: str) -> None:
    subprocess.run(  # noqa: S603 - our own command
        _command("-q", *arguments),
        cwd=place,
        env=_environment(),
        stdout=subprocess.DEVNULL,
        timeout=TIMEOUT,
        check=True,
    )


@contextmanager
def _served(place: str, store: str) -> Iterator[str]:
    command = _command("-q", "serve", "--port", "0", "--db", store, "--reviewer", "you")
    with subprocess.Popen(  # noqa: S603 - our own command
        command, cwd=place, env=_environment(), stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            line = server.stdout.readline() if server.stdout else ""
            if not line.startswith("http://"):
                raise SystemExit(f"serve did not start: {line!r}")
            yield line.split()[0]
        finally:
            server.terminate()


@contextmanager
def _window(address: str) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    program = chromium()
    if program is None:
        raise SystemExit("no chromium here: .ci/packages installs it where there is apt")
    # Its own sandbox wants to be started by somebody else than root.
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        started = driver.chromium.launch(executable_path=program, args=arguments)
        context = started.new_context(
            viewport=WINDOW, base_url=address, color_scheme="light", locale="en-GB", timezone_id="UTC"
        )
        yield context.new_page()
        started.close()


if __name__ == "__main__":
    main()
