"""Reports and dossiers, as one writes them to attach them to a letter."""

from __future__ import annotations

import asyncio
import hashlib
import re
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from selectolax.lexbor import LexborHTMLParser

from crawler.interchange import link_id
from crawler.jobs import reporting
from crawler.model import ArchiveRecord, Evidence, EvidenceKind, LinkState, Removal, Standing
from crawler.settings import DatabaseSettings
from crawler.store import Store
from crawler.web import reporting as drawing
from tests.cli.conftest import Wiretrace
from tests.pages.conftest import FERRY, REWORDED, put_link
from tests.store.pieces import HOUR, NOON, StillClock, delivery, fingerprint, link, linked, original, page, source

ORIGINAL_SENTENCE, PAGE_SENTENCE = FERRY.split("\n\n")[0], REWORDED.split("\n\n")[0]
NASTY = '<script>alert(1)</script><img src="https://evil.example/x" onerror=alert(1)> \u202eend'
Step = Callable[[Store], Awaitable[object]]


@pytest.fixture
def ours(wiretrace: Wiretrace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wiretrace:
    monkeypatch.setenv("WIRETRACE_DATABASE__URL", f"sqlite+aiosqlite:///{tmp_path}/store.db")
    return wiretrace


def fill(tmp_path: Path, *steps: Step) -> list[object]:
    async def work() -> list[object]:
        clock = StillClock()
        done = []
        async with await Store.open(DatabaseSettings(url=f"sqlite+aiosqlite:///{tmp_path}/store.db"), clock) as store:
            for step in steps:
                clock.pass_by(60)
                done.append(await step(store))
        return done

    return asyncio.run(work())


def put(name: str, standing: Standing = Standing.OURS, **other: object) -> Step:
    """A page that was reworded from the ferry story; the step gives the link's id."""

    async def step(store: Store) -> str:
        wire = original(text=FERRY)
        copy = page(name, **{"text": REWORDED, "title": f"Line of ferries: {name}", **other})
        await store.store_article(wire, fingerprint(1))
        await store.store_article(copy, fingerprint(2))
        found = (
            Evidence(EvidenceKind.PASSAGE, rewrite=(0, len(PAGE_SENTENCE)), original=(0, len(ORIGINAL_SENTENCE)),
                     similarity=0.62),
            Evidence(EvidenceKind.NAME, text="Ruan Teviot"),
            Evidence(EvidenceKind.MARKER, text="© Tidewater <Wire>"),
        )  # fmt: skip
        decision = linked(copy, wire, standing=standing, evidence=found, archive=copy.archive)
        await store.record_decision(decision, worker=None, reason="new")
        return link_id(copy.id, wire.id)

    return step


def allowing(store: Store) -> Awaitable[object]:
    return store.add_source(source("Licensed", publisher="Tidewater Wire", redistribute=True))


def seen(html: str) -> str:
    return " ".join((LexborHTMLParser(html).body or LexborHTMLParser(html)).text().split())


def hash_of(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def test_a_report_tells_a_link_with_its_passages_dates_addresses_record_and_hashes(
    ours: Wiretrace, tmp_path: Path
) -> None:
    record = ArchiveRecord("evidence-1.warc.gz", 2187, "<urn:uuid:36f916bd-b589-4aa3-a22b-df4168637d60>")
    (one,) = fill(tmp_path, put("one", archive=record))
    said = seen(ours("export", "report", one).out)
    for told in (
        "https://copy.example/one", "https://wire.example/ferry", "Line of ferries: one", "Tidewater Wire",
        "2 Mar 2026, 11:00, by its own word", "2 Mar 2026, 12:01", "93 %", "rewrite", "original-first", "ours",
        PAGE_SENTENCE, f"Characters 0 to {len(PAGE_SENTENCE)}", "62 %", hash_of(PAGE_SENTENCE), hash_of(REWORDED),
        "evidence-1.warc.gz, offset 2187, <urn:uuid:36f916bd-b589-4aa3-a22b-df4168637d60>",
        "marker: © Tidewater <Wire>", "Ruan Teviot", "not yet confirmed by a person", str(one),
    ):  # fmt: skip
        assert told in said, told


def test_a_report_has_of_a_licensed_original_only_places_and_hashes(ours: Wiretrace, tmp_path: Path) -> None:
    (one,) = fill(tmp_path, put("one"))
    said = seen(ours("export", "report", one).out)
    assert ORIGINAL_SENTENCE not in said
    assert "Two boats were refitted" not in said
    assert f"Characters 0 to {len(ORIGINAL_SENTENCE)}; hash {hash_of(ORIGINAL_SENTENCE)}" in said
    assert "This text is not for passing on." in said
    assert hash_of(FERRY) in said


def test_a_report_has_the_originals_words_where_its_source_lets_them_leave(ours: Wiretrace, tmp_path: Path) -> None:
    one, _ = fill(tmp_path, put("one"), allowing)
    said = seen(ours("export", "report", one).out)
    assert said.count(ORIGINAL_SENTENCE) == 2  # as a passage and in the whole text
    assert "not for passing on" not in said


@pytest.mark.parametrize(("publisher", "opens"), [("Tidewater Wire", True), ("Another Wire", False)])
def test_what_the_configuration_file_says_of_a_publisher_counts_for_its_imported_texts(
    ours: Wiretrace, tmp_path: Path, publisher: str, opens: bool
) -> None:
    (one,) = fill(tmp_path, put("one"))
    (tmp_path / "wiretrace.toml").write_text(
        '[[sources]]\nname = "Licensed"\nurl = "https://wire.example/feed"\nrole = "origin"\n'
        f'publisher = "{publisher}"\nredistribute = true\n'
    )
    assert (ORIGINAL_SENTENCE in ours("export", "report", one).out) is opens


def test_the_hashes_are_what_the_report_says_to_reckon(ours: Wiretrace, tmp_path: Path) -> None:
    (one,) = fill(tmp_path, put("one"))
    (tmp_path / "passage").write_text(PAGE_SENTENCE, encoding="utf-8")
    reckoned = subprocess.run(["b2sum", "-l", "128", tmp_path / "passage"], capture_output=True, text=True, check=True)
    assert reckoned.stdout.split()[0] in ours("export", "report", one).out


def test_a_page_that_asks_not_to_be_indexed_is_not_quoted(ours: Wiretrace, tmp_path: Path) -> None:
    (one,) = fill(tmp_path, put("one", noindex=True))
    assert PAGE_SENTENCE not in ours("export", "report", one).out


def test_a_report_stands_by_itself_and_runs_nothing(ours: Wiretrace, tmp_path: Path) -> None:
    one, _ = fill(tmp_path, put("one", title=NASTY, text=REWORDED + "\n\n" + NASTY, copyright=NASTY), allowing)
    for arguments in ((one,), ("--site", "copy.example")):
        html = ours("export", "report", *arguments).out
        assert html.startswith("<!doctype html>")
        tree = LexborHTMLParser(html)
        assert not tree.css("script, img, link, iframe, object, form, base, [style]")
        assert not [node for node in tree.css("*") if any(name.startswith("on") for name in node.attributes)]
        assert {node.attributes["href"].split(":")[0] for node in tree.css("a")} <= {
            "https",
            *(f"#link-{one}",),
        }
        (policy,) = [node.attributes["content"] for node in tree.css("meta[http-equiv]")]
        assert policy.startswith("default-src 'none'")
        assert not re.search(r"url\(|@import", html)
        assert "\u202e" not in html
        assert "@media print" in html


def test_a_page_with_an_address_that_is_none_is_not_linked(ours: Wiretrace, tmp_path: Path) -> None:
    (one,) = fill(tmp_path, put("one", url="javascript:alert(1)"))
    html = ours("export", "report", one).out
    assert not LexborHTMLParser(html).css("a[href^=javascript]")
    assert "javascript:alert(1)" in seen(html)


def test_the_whole_page_is_shown_with_its_passages_marked(ours: Wiretrace, tmp_path: Path) -> None:
    (one,) = fill(tmp_path, put("one"))
    tree = LexborHTMLParser(ours("export", "report", one).out)
    (marked,) = tree.css(".body .pair")
    assert marked.text() == f"1{PAGE_SENTENCE}"
    assert [node.text() for node in tree.css(".body mark")] == ["Ruan Teviot"]


def test_what_is_internal_stays_out_of_a_report(ours: Wiretrace, tmp_path: Path) -> None:
    async def confirm(store: Store) -> str:
        one = await put_link(store, "one")
        await store.review(one, LinkState.CONFIRMED, reviewer="Morna", note="Sue them")
        return one

    (one,) = fill(tmp_path, confirm)
    said = seen(ours("export", "report", one).out)
    assert "confirmed by a person, 2 Mar 2026, 12:01" in said
    assert "Morna" not in said
    assert "Sue them" not in said


def test_a_link_that_is_not_ours_goes_in_only_where_it_is_asked_for(ours: Wiretrace, tmp_path: Path) -> None:
    paid, _ = fill(tmp_path, put("paid", Standing.LICENSED), put("one"))
    refused = ours("export", "report", paid)
    assert refused.code == 2
    assert "--standing licensed" in refused.err
    assert ours("export", "report", paid, "--standing", "licensed").code == 0
    site = ("export", "report", "--site", "copy.example")
    assert "copy.example/paid" not in ours(*site).out
    both = ours(*site, "--standing", "ours", "--standing", "licensed").out
    assert "copy.example/paid" in both
    assert "copy.example/one" in both


def test_a_link_that_was_rejected_is_in_no_report(ours: Wiretrace, tmp_path: Path) -> None:
    async def reject(store: Store) -> str:
        one = await put_link(store, "no")
        await store.review(one, LinkState.REJECTED, reviewer="Morna")
        return one

    no, _ = fill(tmp_path, reject, put("yes"))
    refused = ours("export", "report", no)
    assert (refused.code, "it is rejected" in refused.err) == (2, True)
    said = ours("export", "report", "--site", "copy.example").out
    assert "copy.example/yes" in said
    assert "copy.example/no" not in said


def test_only_what_a_person_confirmed_goes_in_where_that_is_asked(ours: Wiretrace, tmp_path: Path) -> None:
    async def confirm(store: Store) -> None:
        await store.review(await put_link(store, "sure"), LinkState.CONFIRMED, reviewer="Morna")

    one, _ = fill(tmp_path, put("one"), confirm)
    refused = ours("export", "report", one, "--confirmed")
    assert (refused.code, "nobody has confirmed it" in refused.err) == (2, True)
    said = ours("export", "report", "--site", "copy.example", "--confirmed").out
    assert "copy.example/sure" in said
    assert "copy.example/one" not in said


def test_a_dossier_schedules_a_sites_pages_by_when_they_were_seen(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, put("one"), put("two"), put("other", url="https://elsewhere.example/other"), put("three"))
    ran = ours("export", "report", "--site", "https://www.copy.example/", "-o", "annex.html")
    assert (ran.code, ran.err) == (0, "wrote a report on 3 pages to annex.html\n")
    tree = LexborHTMLParser((tmp_path / "annex.html").read_text("utf-8"))
    rows = tree.css("section[aria-labelledby=schedule] tbody tr")
    assert [row.css_first("a[href^=https]").text() for row in rows] == [
        f"https://copy.example/{name}" for name in ("one", "two", "three")
    ]
    assert [node.text().split(".")[0] for node in tree.css(".link h2")] == ["1", "2", "3"]
    targets = {f"#{node.attributes['id']}" for node in tree.css(".link")}
    assert {row.css_first("th a").attributes["href"] for row in rows} == targets
    assert len(tree.css(".pairs tbody tr")) == 3


def test_a_dossier_has_what_was_decided_since_a_time(ours: Wiretrace, tmp_path: Path) -> None:
    fill(tmp_path, put("one"), put("two"))
    said = ours("export", "report", "--since", "2026-03-02T12:02:00Z").out
    assert "copy.example/two" in said
    assert "copy.example/one" not in said
    assert "There are no such pages." in ours("export", "report", "--since", "2026-03-03").out


def test_a_dossier_that_is_cut_says_so(tmp_path: Path) -> None:
    async def cut(store: Store) -> str:
        listed = await reporting.schedule(store, "copy.example", None, reporting.Terms(), most=2)
        return drawing.dossier_head(listed, at=NOON, terms="all")

    *_, html = fill(tmp_path, put("one"), put("two"), put("three"), cut)
    assert "copy.example/one" not in str(html)
    assert "There are more pages than a dossier takes: these are the 2 that were decided last." in seen(str(html))


def test_a_link_that_is_taken_back_while_a_dossier_is_written_is_left_out(tmp_path: Path) -> None:
    async def write(store: Store) -> list[str]:
        listed = await reporting.schedule(store, "copy.example", None, reporting.Terms())
        await store.review(listed.links[0].id, LinkState.REJECTED, reviewer="Morna")
        found = reporting.views(store, listed, reporting.Terms())
        return [drawing.dossier_link(view, 1, lambda _: True) async for view in found]

    *_, sections = fill(tmp_path, put("one"), put("two"), write)
    assert isinstance(sections, list)
    assert "taken back" in sections[0]
    assert PAGE_SENTENCE not in sections[0]
    assert PAGE_SENTENCE in sections[1]


def test_a_link_whose_original_had_to_go_is_in_no_report(ours: Wiretrace, tmp_path: Path) -> None:
    async def removed(store: Store) -> str:
        wire, copy = delivery(text=FERRY), page("one", text=REWORDED)
        await store.store_article(wire, fingerprint(1))
        await store.store_article(copy, fingerprint(2))
        await store.record_decision(linked(copy, wire), worker=None, reason="new")
        await store.review(link_id(copy.id, wire.id), LinkState.CONFIRMED, reviewer="Morna")
        await store.remove(Removal(wire.vendor_id, None, NOON + HOUR))
        return link_id(copy.id, wire.id)

    (one,) = fill(tmp_path, removed)
    ran = ours("export", "report", one)
    assert (ran.code, ran.out) == (2, "")
    assert "it is retracted" in ran.err


def test_a_page_whose_text_is_not_kept_leaves_the_places_of_its_passages(ours: Wiretrace, tmp_path: Path) -> None:
    def forget(store: Store) -> Awaitable[object]:
        return store.forget_text(page("one").id)

    one, _ = fill(tmp_path, put("one", noindex=True), forget)
    said = seen(ours("export", "report", one).out)
    assert PAGE_SENTENCE not in said
    assert f"Characters 0 to {len(PAGE_SENTENCE)}; the text is not held" in said
    assert hash_of(ORIGINAL_SENTENCE) in said


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        ((), 2, "--site"),
        (("0" * 32, "--site", "copy.example"), 2, "either"),
        (("0" * 32, "--format", "csv"), 2, "--format"),
        (("--site", "copy.example", "--since", "seq:12"), 2, "--since"),
        (("0" * 32,), 1, "there is no link"),
    ],
)
def test_a_report_on_nothing_is_refused(ours: Wiretrace, arguments: tuple[str, ...], code: int, told: str) -> None:
    ran = ours("export", "report", *arguments)
    assert ran.code == code
    assert told in ran.err


def test_a_report_that_fails_leaves_no_file(ours: Wiretrace, tmp_path: Path) -> None:
    assert ours("export", "report", "0" * 32, "-o", "annex.html").code == 1
    assert not (tmp_path / "annex.html").exists()


def test_a_passage_that_points_outside_a_text_is_told_without_words() -> None:
    wrong = link(page(), original(), evidence=(Evidence(EvidenceKind.PASSAGE, rewrite=(5, 9_000), original=(0, 3)),))
    quoted = drawing._quoted(page(), wrong.evidence[0].rewrite or (0, 0), lambda _: True)
    assert (quoted.place, quoted.hash, quoted.words) == ((5, 9_000), None, None)
