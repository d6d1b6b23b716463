"""Evidence that can be shown: what a link's `archive` names is there, whatever became of the page since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from warcio.archiveiterator import ArchiveIterator

from crawler import daemon
from crawler.clock import SystemClock
from crawler.model import LinkState, Role
from crawler.settings import ArchiveSettings, Settings
from crawler.store import Store
from tests.daemon.conftest import Configure
from tests.stories import page_html, story
from tests.web import Seen, Web, response


def entry(url: str, updated: str) -> str:
    return (
        '<feed xmlns="http://www.w3.org/2005/Atom"><title>x</title><id>x</id>'
        f'<entry><title>{story("ferry-spun").title}</title><id>1</id><link href="{url}"/>'
        f"<published>2026-05-01T00:00:00Z</published><updated>{updated}</updated></entry></feed>"
    )


@pytest.fixture
def crawl(origin: Web, site: Web, configure: Configure, tmp_path: Path) -> Any:
    """One pass over the page, announced as modified at `updated`; gives the link."""
    settings = configure(wire=(origin.url("/feed"), Role.ORIGIN), site=(site.url("/feed"), Role.AGGREGATOR))
    kept = ArchiveSettings(warc_dir=str(tmp_path / "warc"))

    async def one(updated: str, *, archive: bool = True) -> dict[str, Any]:
        site.page("/feed", entry(site.url("/spun"), updated), media="application/atom+xml")
        here: Settings = settings.model_copy(update={"archive": kept}) if archive else settings
        await daemon.run(here, once=True)
        async with await Store.open(here.database, SystemClock()) as store:
            (link,) = [dict(row) async for row in store.export_links()]
        return link

    async def confirm(identifier: str) -> None:
        async with await Store.open(settings.database, SystemClock()) as store:
            await store.judge_link(identifier, LinkState.CONFIRMED, "seen")

    one.confirm = confirm  # type: ignore[attr-defined]
    return one


def shown(folder: Path, link: dict[str, Any]) -> tuple[str, bytes]:
    """The address and the body that the link's record has, by an independent reader at the place that is named."""
    place = link["archive"]
    with (folder / place["file"]).open("rb") as file:
        file.seek(place["offset"])
        record = next(iter(ArchiveIterator(file, check_digests="raise")))
        assert record.rec_type == "response"
        assert record.rec_headers.get_header("WARC-Record-ID") == place["record_id"]
        return record.rec_headers.get_header("WARC-Target-URI"), record.content_stream().read()


def kinds(folder: Path) -> list[str]:
    found = []
    for path in sorted(folder.iterdir(), key=lambda one: one.stat().st_mtime_ns):
        with path.open("rb") as file:
            found += [one.rec_type for one in ArchiveIterator(file) if one.rec_type not in {"warcinfo", "request"}]
    return found


async def test_a_link_names_the_record_of_the_version_it_is_about(crawl: Any, site: Web, tmp_path: Path) -> None:
    first = await crawl("2026-05-01T00:00:00Z")
    body = page_html(story("ferry-spun"))
    assert shown(tmp_path / "warc", first) == (site.url("/spun"), body.encode())
    changed = body.replace("</h1>", "</h1><p>Added later: the harbor stays open through the night.</p>")
    site.page("/spun", changed)
    second = await crawl("2026-06-01T00:00:00Z")
    assert second["id"] == first["id"]
    assert shown(tmp_path / "warc", second)[1] == changed.encode()


async def test_the_same_page_again_leaves_the_link_at_the_record_with_the_body(
    crawl: Any, site: Web, tmp_path: Path
) -> None:
    first = await crawl("2026-05-01T00:00:00Z")
    again = await crawl("2026-06-01T00:00:00Z")
    assert kinds(tmp_path / "warc") == ["response", "revisit"]
    assert again["archive"] == first["archive"]
    assert shown(tmp_path / "warc", again)[1]


async def test_a_page_not_modified_leaves_a_record_of_that(crawl: Any, site: Web, tmp_path: Path) -> None:
    body = page_html(story("ferry-spun"))

    async def answer(seen: Seen, writer: Any) -> bool:
        same = seen.headers.get("if-none-match") == '"one"'
        writer.write(response(status=304, media=None) if same else response(body, headers={"ETag": '"one"'}))
        await writer.drain()
        return True

    site.handler("/spun", answer)
    first = await crawl("2026-05-01T00:00:00Z")
    again = await crawl("2026-06-01T00:00:00Z")
    assert kinds(tmp_path / "warc") == ["response", "revisit"]
    assert again["archive"] == first["archive"]
    assert shown(tmp_path / "warc", again)[1] == body.encode()


@pytest.mark.full  # the store's tests show the same without a crawl
@pytest.mark.parametrize("dated", [True, False], ids=["a new version", "the same content"])
async def test_a_link_made_before_there_was_an_archive_gets_its_record_when_the_page_is_seen_again(
    crawl: Any, site: Web, tmp_path: Path, dated: bool
) -> None:
    head = "" if dated else '<meta property="article:modified_time" content="2026-05-01T00:00:00Z">'
    site.page("/spun", page_html(story("ferry-spun"), head=head))
    first = await crawl("2026-05-01T00:00:00Z", archive=False)
    assert first["archive"] is None
    await crawl.confirm(first["id"])
    again = await crawl("2026-06-01T00:00:00Z")
    assert (again["id"], again["state"]) == (first["id"], "confirmed")
    assert shown(tmp_path / "warc", again)[1] == page_html(story("ferry-spun"), head=head).encode()
