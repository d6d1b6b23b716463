from __future__ import annotations

import json

import pytest
from jsonschema import Draft202012Validator

from crawler.jobs.exporting import Subject, _rows
from crawler.model import Attribution, Evidence, EvidenceKind, LinkState
from crawler.store import Store
from crawler.web.api.table import OPERATIONS, described
from tests.pages.api import Program
from tests.pages.conftest import Browser, put_link
from tests.store.pieces import fingerprint, original, page, source, unlinked

NOWHERE = "0" * 32


async def exported(store: Store, subject: Subject) -> dict[str, object]:
    return {
        str(row["id"]): json.loads(json.dumps(row))
        async for row in _rows(store, subject, None, None, await store.redistribution())
    }


async def some_links(store: Store, count: int) -> list[str]:
    return [await put_link(store, f"page-{number}") for number in range(count)]


@pytest.mark.parametrize(
    ("path", "subject"),
    [("/articles", Subject.ARTICLES), ("/links", Subject.LINKS), ("/stories", Subject.STORIES)],
)
async def test_a_list_has_what_the_export_has_in_the_same_form(program: Program, path: str, subject: Subject) -> None:
    await some_links(program.store, 3)
    rows = await program.all(f"{path}?limit=2")
    assert rows
    assert {row["id"]: row for row in rows} == await exported(program.store, subject)
    for row in rows:
        assert (await program.get(f"{path}/{row['id']}")).body == row


async def test_a_licensed_text_is_told_by_its_hash_alone(program: Program) -> None:
    await some_links(program.store, 1)
    rows = {row["role"]: row for row in await program.all("/articles")}
    assert rows["aggregator"]["text"]
    assert (rows["origin"]["text"], len(rows["origin"]["text_hash"])) == ("", 32)
    held = await program.store.article(rows["origin"]["id"])
    assert held is not None
    for path in ("/changes?limit=100", f"/articles/{held.id}"):
        assert held.text[:60] not in json.dumps((await program.get(path)).body, ensure_ascii=False)


async def test_each_page_of_a_list_names_the_next_one_twice(program: Program) -> None:
    await some_links(program.store, 3)
    told = await program.get("/links?limit=2&state=new")
    assert len(told.body["data"]) == 2
    address = told.headers["Link"].removeprefix("<").removesuffix('>; rel="next"')
    assert f"after={told.body['next']}" in address
    last = await program.get(address.removeprefix("/api/v1"))
    assert len(last.body["data"]) == 1
    assert last.body["next"] is None
    assert "Link" not in last.headers


async def test_links_are_filtered_as_on_the_page(program: Program) -> None:
    first, second = await some_links(program.store, 2)
    await program.store.review(first, LinkState.CONFIRMED, reviewer="Morna")

    async def found(query: str) -> set[str]:
        return {row["id"] for row in await program.all(f"/links?{query}")}

    assert await found("state=confirmed") == {first}
    assert await found("state=new") == {second}
    assert await found("state=all") == {first, second} == await found("site=copy.example&least=0.9")
    assert await found("publisher=Nobody") == set()
    assert await found("from=2026-03-03") == set()


async def test_a_retracted_link_is_still_told_by_its_id(program: Program) -> None:
    link = await put_link(program.store, "one")
    await program.store.record_decision(unlinked(page("one", text="Another text.")), worker=None, reason="changed")
    assert (await program.get(f"/links/{link}")).body["state"] == "retracted"
    assert await program.all("/links?state=new") == []


async def test_articles_are_filtered_by_role_and_publisher(program: Program) -> None:
    await put_link(program.store, "one")
    assert {row["role"] for row in await program.all("/articles?role=origin")} == {"origin"}
    assert {row["publisher"] for row in await program.all("/articles?publisher=Copy+Site")} == {"Copy Site"}
    assert await program.all("/articles?role=release") == []


async def test_a_list_that_looked_far_without_finding_says_where_to_go_on(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("crawler.store.publishing.SCANNED", 2)
    await program.store.store_article(original(), fingerprint(1))
    for number in range(5):
        await program.store.store_article(page(f"later-{number}"), fingerprint(2))
    told = (await program.get("/articles?role=origin")).body
    assert told["data"] == []
    assert told["next"] is not None
    assert [row["role"] for row in await program.all("/articles?role=origin")] == ["origin"]


async def test_articles_are_found_by_their_words(program: Program) -> None:
    await put_link(program.store, "one", title="Herring quotas agreed")
    assert [row["title"] for row in await program.all("/articles?q=herring+quotas")] == ["Herring quotas agreed"]
    assert (await program.get("/articles?q=herring&role=origin")).status == 400


async def test_the_text_of_a_page_that_asks_not_to_be_indexed_is_not_passed_on(program: Program) -> None:
    await program.store.store_article(page("quiet", noindex=True), fingerprint(1))
    (row,) = await program.all("/articles")
    assert row["text"] == ""


async def test_an_article_tells_what_it_claims_of_itself(program: Program) -> None:
    claim = Attribution("Dow Jones", (Evidence(EvidenceKind.MARKER, text="(END) Dow Jones Newswires"),))
    copy = page("claims")
    await program.store.store_article(copy, fingerprint(1))
    await program.store.record_decision(unlinked(copy, claim), worker=None, reason="new")
    assert (await program.get(f"/articles/{copy.id}")).body["attribution"]["publisher"] == "Dow Jones"


async def test_a_title_with_half_a_character_is_told_as_json(program: Program) -> None:
    await program.store.store_article(page("odd", title="Half \ud83d a pair"), fingerprint(1))
    (row,) = await program.all("/articles")
    assert row["title"].startswith("Half ")


async def test_the_sources_and_the_status_are_those_of_the_commands(program: Program) -> None:
    for name in ("Harbour Post", "Alder News", "Zennor Mail"):
        await program.store.add_source(source(name))
    rows = await program.all("/sources?limit=1")
    assert [row["name"] for row in rows] == ["Alder News", "Harbour Post", "Zennor Mail"]
    assert rows == [record.as_json() for record in await program.store.sources()]
    assert (await program.get("/status")).body == await program.store.status()


async def test_a_program_can_judge_a_link(program: Program) -> None:
    first, second = await some_links(program.store, 2)
    for link, verdict in ((first, "confirmed"), (second, "rejected")):
        told = await program.post(f"/links/{link}/reviews", {"verdict": verdict, "note": "Same quotes."})
        assert told.status == 201
        assert (await program.get(f"/links/{link}")).body["state"] == verdict
        assert (await program.get(f"/links/{link}/reviews")).body["data"] == [told.body]
    rows = await program.all("/reviews?limit=1")
    assert [(row["link"], row["reviewer"]) for row in rows] == [(first, "Morna"), (second, "Morna")]


@pytest.mark.parametrize(
    "body", ["", "{", "[]", '{"verdict": "new"}', '{"verdict": "confirmed", "more": 1}', '{"note": "x"}', "[" * 10_000]
)
async def test_a_word_that_is_none_is_refused(program: Program, body: str) -> None:
    link = await put_link(program.store, "one")
    assert (await program.post(f"/links/{link}/reviews", body)).status == 400
    assert await program.all("/reviews") == []


async def test_what_is_as_it_was_is_not_sent_again(program: Program) -> None:
    link = await put_link(program.store, "one")
    for path in (f"/links/{link}", "/links", "/articles", "/openapi.json"):
        tag = (await program.get(path)).headers["ETag"]
        assert (await program.get(path, **{"If-None-Match": f'"other", {tag}'})).status == 304
        assert (await program.get(path, **{"If-None-Match": '"other"'})).status == 200
    tag = (await program.get(f"/links/{link}")).headers["ETag"]
    await program.store.review(link, LinkState.CONFIRMED, reviewer="Morna")
    assert (await program.get(f"/links/{link}", **{"If-None-Match": tag})).status == 200


async def test_no_shared_cache_keeps_an_answer(program: Program) -> None:
    await put_link(program.store, "one")
    for path in ("/articles", "/links", f"/articles/{NOWHERE}"):
        kept = (await program.get(path)).headers["Cache-Control"]
        assert "private" in kept or "no-store" in kept


@pytest.mark.parametrize(
    ("path", "status", "word"),
    [
        ("/links?state=odd", 400, "state"),
        ("/links?least=2", 400, "least"),
        ("/links?from=yesterday", 400, "from"),
        ("/links?colour=red", 400, "colour"),
        ("/links?state=new&state=new", 400, "state"),
        ("/links?after=x", 400, "after"),
        ("/links?limit=0", 400, "limit"),
        ("/links?limit=101", 400, "limit"),
        ("/links?limit=%D9%A3", 400, "limit"),
        ("/articles?after=-1", 400, "after"),
        ("/articles?after=999999999999999999", 200, "data"),
        ("/articles?publisher=%00", 400, "publisher"),
        ("/articles?role=" + "x" * 300, 400, "role"),
        ("/stories?after=1", 400, "after"),
        ("/sources?after=%00", 400, "after"),
        (f"/links/{NOWHERE}", 404, NOWHERE),
        (f"/links/{NOWHERE}/reviews", 404, NOWHERE),
        (f"/articles/{NOWHERE}", 404, NOWHERE),
        (f"/stories/{NOWHERE}", 404, NOWHERE),
        ("/nowhere", 404, "nothing"),
        ("", 404, "nothing"),
    ],
)
async def test_what_asks_nonsense_is_told_what_was_expected(
    program: Program, path: str, status: int, word: str
) -> None:
    told = await program.get(path)
    assert told.status == status
    assert word in json.dumps(told.body)
    if status >= 400:
        assert told.headers["Content-Type"].startswith("application/problem+json")
        assert told.body["status"] == status


async def test_a_method_that_is_none_is_told_which_ones_are(program: Program) -> None:
    told = await program.ask("DELETE", "/links", headers={})
    assert told.status == 405
    assert "GET" in told.headers["Allow"]


async def test_the_document_is_open_api_3_1(program: Program) -> None:
    told = (await program.get("/openapi.json")).body
    assert told == json.loads(json.dumps(described()))
    assert told["openapi"] == "3.1.0"
    for schema in told["components"]["schemas"].values():
        Draft202012Validator.check_schema(schema)
    named = [one["operationId"] for methods in told["paths"].values() for one in methods.values()]
    assert len(set(named)) == len(named) == len(OPERATIONS)
    text = json.dumps(told)
    for part in set(text.split('"#/components/schemas/')[1:]):
        assert part.split('"')[0] in told["components"]["schemas"]


async def test_another_sites_page_can_change_nothing_by_the_api(program: Program, browser: Browser) -> None:
    link = await put_link(program.store, "one")
    for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}):
        told = await program.post(f"/links/{link}/reviews", {"verdict": "confirmed"}, **headers)
        assert told.status == 403
    assert (await program.post(f"/links/{link}/reviews", '{"verdict": "confirmed"}', "text/plain")).status == 415
    assert (await browser.get("/api/v1/links", Host="evil.example")).status == 421
    assert await program.all("/reviews") == []
