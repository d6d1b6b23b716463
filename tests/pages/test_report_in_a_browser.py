"""A report as its reader opens it: from a file, in a real browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crawler.store import Store
from crawler.web.reporting import report
from tests.pages.conftest import put_link
from tests.pages.test_browser import _RULES, AXE, NARROW, chromium  # noqa: F401 - a fixture
from tests.store.pieces import NOON

pytestmark = pytest.mark.full
NASTY = (
    '<script>alert(1)</script><img src=https://evil.example/x onerror=alert(1)><style>@import "//evil.example"</style>'
)


async def test_a_report_asks_for_nothing_runs_nothing_and_can_be_read_by_all(
    chromium: Any,  # noqa: F811
    store: Store,
    tmp_path: Path,
) -> None:
    link = await put_link(store, "one", title=NASTY, text=NASTY + "\n\n" + "word " * 400)
    drawn = report(await store.view_link(link), lambda _: True, at=NOON, base_rate=0.05)
    (tmp_path / "annex.html").write_text("".join(drawn), encoding="utf-8")
    asked: list[str] = []
    dialogs: list[str] = []
    context = await chromium.new_context(viewport=NARROW)
    window = await context.new_page()
    window.on("request", lambda request: asked.append(request.url))
    window.on("dialog", lambda dialog: dialogs.append(dialog.message))
    await window.goto(f"file://{tmp_path}/annex.html")
    assert asked == [f"file://{tmp_path}/annex.html"]
    assert not dialogs
    assert await window.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    await window.evaluate(AXE.read_text("utf-8"))
    found = await window.evaluate(f"axe.run({_RULES})")
    assert [one["id"] for one in found["violations"]] == []
    assert (await window.pdf(format="A4")).startswith(b"%PDF")
