from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest

from crawler.link import Linker
from crawler.link.memory import MemoryIndex
from crawler.model import (
    Article,
    Completeness,
    Decision,
    EvidenceKind,
    Precedence,
    Relation,
    Role,
    Side,
)
from crawler.settings import LinkSettings
from tests.link import stories
from tests.link.stories import article, at, original

CANAL = original("canal", stories.CANAL, title="The lock that always wins", published=at(4))
TWIN = original("twin", stories.CANAL_TWIN)
OTHERS = (
    TWIN,
    original("german", stories.GERMAN),
    original("spanish", stories.SPANISH),
    original("french", stories.FRENCH),
    original("chinese", stories.CHINESE),
    original("arabic", stories.ARABIC),
)

HELD = {one.id: one for one in (*OTHERS, CANAL)}


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(LinkSettings())


def decide(linker: Linker, text: str, *more: object, **fields: object) -> Decision:
    return against(linker, article("page", text, **fields), list(HELD.values()))


def against(linker: Linker, page: Article, originals: list[Article]) -> Decision:
    """The decision on a page with an index that was filled in this order."""
    index = MemoryIndex()
    for held in originals:
        index.add(held.id, linker.fingerprint(held), Side.ORIGINAL)
    ranked = index.search(linker.fingerprint(page), Side.ORIGINAL)
    return linker.decide(page, [HELD[one.article_id] for one in ranked])


@pytest.mark.parametrize(
    ("text", "expected", "relation"),
    [
        (stories.CANAL_SPUN, "canal", Relation.REWRITE),
        (stories.CANAL_CONDENSED, "canal", Relation.REWRITE),
        (stories.CANAL_LIFTED, "canal", Relation.EXCERPT),
        (stories.CANAL.replace("oldest", "odlest").replace("Agnes", "Agens"), "canal", Relation.COPY),
        (stories.GERMAN_SPUN, "german", Relation.REWRITE),
        (stories.SPANISH_SPUN, "spanish", Relation.REWRITE),
        (stories.FRENCH_SPUN, "french", Relation.REWRITE),
        (stories.CHINESE, "chinese", Relation.COPY),
        (stories.ARABIC, "arabic", Relation.COPY),
    ],
)
def test_reuse_is_linked_to_its_original(linker: Linker, text: str, expected: str, relation: Relation) -> None:
    decision = decide(linker, text)
    assert decision.link is not None
    assert (decision.link.original_id, decision.link.relation) == (expected, relation)
    assert decision.score == decision.link.score >= 0.8
    assert decision.considered[0].taken


@pytest.mark.parametrize(
    "text", [stories.CANAL_INDEPENDENT, stories.CHINESE_OTHER, "", "Torsby lock shut", "12 13 % 14"]
)
def test_what_is_no_reuse_is_not_linked(linker: Linker, text: str) -> None:
    decision = decide(linker, text)
    assert decision.link is None
    assert decision.score < 0.1
    assert all(not one.taken and one.reason for one in decision.considered)


FINANCE_CHIEF = """\
Lindmark Waterways named Karl Strand its new finance chief on Friday. He comes from the brokers Dahl & Partners and \
will begin in May.

Mr. Strand, 51 years old, was born in Torsby. The owner of the Lindmark Canal, which collects tolls of about $412 \
million a year, had looked for somebody since January.

"I wanted to see ships from my desk," he told the Vardholm Courier. Agnes Holmqvist, the chief engineer, will lead the \
finances until he arrives, the company said.
"""


@pytest.mark.parametrize(
    "text",
    [
        "The lock was shut on Monday by Agnes Holmqvist.",
        "Agnes Holmqvist won a chess match in Torsby on Monday.",
        "Agnes Holmqvist of Lindmark Waterways spoke in Torsby about the pay of engineers. She wants more of them.",
        FINANCE_CHIEF,
    ],
)
def test_a_brief_that_shares_a_few_names_is_not_linked(linker: Linker, text: str) -> None:
    assert decide(linker, text).link is None


def test_a_few_sentences_are_linked_where_they_are_copied(linker: Linker) -> None:
    copied = "\n\n".join(stories.CANAL.split("\n\n")[2:4])
    assert len(copied.split()) < 80
    link = decide(linker, copied).link
    assert link is not None
    assert link.original_id == "canal"
    short = linker.decide(article("page", stories.CANAL_SPUN.split("\n\n")[0]), (CANAL,))
    assert short.link is None
    assert short.considered[0].reason == "fewer than 100 words, and not copied"


def test_a_summary_of_the_same_event_is_not_the_original_of_a_report(linker: Linker) -> None:
    report, summary = stories.ALMATY_REPORT, stories.ALMATY_SUMMARY
    for page, held in ((report, summary), (summary, report)):
        decision = linker.decide(article("page", page), [original("original", held)])
        assert decision.link is None
        assert decision.score < 0.1


def test_originals_behind_hopeless_ones_are_not_looked_at_unless_the_page_names_them(linker: Linker) -> None:
    hopeless = [one for one in OTHERS if one is not TWIN][:2]
    page = article("page", stories.CANAL_SPUN, hyperlinks=(CANAL.url,))
    assert linker.decide(page, (*hopeless, CANAL)).link is None
    assert linker.decide(page, (*hopeless[:1], CANAL)).link is not None
    assert linker.decide(page, (*hopeless, CANAL), known_urls={CANAL.url: CANAL.id}).link is not None


def test_a_template_twin_is_not_linked_either_way(linker: Linker) -> None:
    for page, held in ((stories.CANAL_TWIN, CANAL), (stories.CANAL_SPUN, TWIN), (stories.CANAL, TWIN)):
        decision = linker.decide(article("page", page), (held,))
        assert decision.link is None
        assert decision.score < 0.05


def test_a_translation_is_declined(linker: Linker) -> None:
    german = (
        "Die älteste Schleuse des Lindmark-Kanals bleibt für 14 Wochen zu, und 2.300 Kähne müssen durch den Sund, wie "
    )
    german += "Agnes Holmqvist von Lindmark Waterways sagte. Mikkel Aaberg erinnert an Torsby und an das Jahr 1987."
    decision = linker.decide(article("page", german), (CANAL,))
    assert decision.link is None
    assert decision.score == 0.0
    assert "language" in decision.considered[0].reason


def test_markers_are_evidence_and_never_choose_the_story(linker: Linker) -> None:
    notice = "\n\nCopyright © 2026 Dow Jones & Company, Inc. All Rights Reserved."
    linked = decide(linker, stories.CANAL_SPUN + notice).link
    assert linked is not None
    assert EvidenceKind.MARKER in {piece.kind for piece in linked.evidence}
    assert decide(linker, stories.CANAL_INDEPENDENT + notice).link is None


def test_a_pages_claim_without_its_original_is_attributed(linker: Linker) -> None:
    text = (
        stories.CANAL_SPUN
        + "\n\nwrite to Ann Example at\n\n© 2026 Dow Jones & Company. 87990cbe856818d5eddac44c7b1cdeb8"
    )
    decision = linker.decide(article("page", text), OTHERS)
    assert decision.link is None
    assert decision.attribution is not None
    assert decision.attribution.publisher == "The Wall Street Journal"
    assert len(decision.attribution.evidence) == 3
    assert decision.attribution.teaser_id is None


def test_a_linked_page_needs_no_attribution(linker: Linker) -> None:
    assert decide(linker, stories.CANAL_SPUN + "\n\n(END) Dow Jones Newswires").attribution is None


def test_the_public_teaser_of_a_story_is_named_and_others_are_not(linker: Linker) -> None:
    def teaser(identifier: str, title: str, text: str):  # type: ignore[no-untyped-def]
        return original(identifier, text, title=title, completeness=Completeness.TEASER, published=at(4))

    right = teaser(
        "right",
        "Lindmark Canal Shuts Its Oldest Lock",
        "The closure for 14 weeks of the Torsby lock forces 2,300 barges to take a detour through the Sund.",
    )
    wrong = teaser(
        "wrong", "Hallberg Canal Shuts Newest Lock", "Barges must take a detour of 85 miles through the Belt."
    )
    page = article("page", stories.CANAL_SPUN + "\n\n(END) Dow Jones Newswires", title="Oldest Lindmark lock shut")
    found = linker.decide(page, (), (wrong, right)).attribution
    assert found is not None
    assert found.teaser_id == "right"
    assert found.teaser_score is not None
    assert found.teaser_score > 0.8
    alone = linker.decide(page, (), (wrong,)).attribution
    assert alone is not None
    assert alone.teaser_id is None
    unmarked = article("page", stories.CANAL_SPUN, title="Oldest Lindmark lock shut")
    assert linker.decide(unmarked, (), (right,)).attribution is None


def test_passages_are_exact_slices_that_say_the_same(linker: Linker) -> None:
    page = article("page", "Written by admin\n\n" + stories.CANAL_SPUN)
    link = linker.decide(page, (CANAL,)).link
    assert link is not None
    passages = [piece for piece in link.evidence if piece.kind is EvidenceKind.PASSAGE]
    assert len(passages) >= 8
    for piece in passages:
        assert piece.rewrite
        assert piece.original
        assert piece.similarity is not None
        assert 0.3 <= piece.similarity <= 1.0
        mine, theirs = page.text[slice(*piece.rewrite)], CANAL.text[slice(*piece.original)]
        assert mine == mine.strip()
        assert theirs == theirs.strip()
    pairs = {page.text[slice(*one.rewrite)][:12]: CANAL.text[slice(*one.original)][:12] for one in passages}  # type: ignore[misc]
    assert pairs["In 1987 the "] == "Repairs of t"
    assert pairs["For farmers "] == "The closure "


def test_evidence_names_rare_names_and_telling_numbers(linker: Linker) -> None:
    link = decide(linker, stories.CANAL_SPUN).link
    assert link is not None
    texts = {kind: {piece.text for piece in link.evidence if piece.kind is kind} for kind in EvidenceKind}
    assert {"Torsby", "Holmqvist"} <= texts[EvidenceKind.NAME]
    assert "640,000" in texts[EvidenceKind.NUMBER]


def test_coverage_tells_a_whole_rewrite_from_a_digest_and_an_excerpt(linker: Linker) -> None:
    whole, digest, excerpt = (
        decide(linker, text).link for text in (stories.CANAL_SPUN, stories.CANAL_CONDENSED, stories.CANAL_LIFTED)
    )
    assert whole
    assert digest
    assert excerpt
    assert whole.coverage.rewrite > 0.8 < whole.coverage.original
    assert digest.coverage.rewrite > 0.8 > digest.coverage.original
    assert 0.25 < excerpt.coverage.rewrite < 0.6


def test_furniture_around_a_copy_changes_little(linker: Linker) -> None:
    framed = "Some Portal\n\nThe lock that always wins\n\nWritten by publishing team\n\n" + stories.CANAL
    framed += "\n\nRead more: other stories\n\nAbout the author\n\npublishing team"
    link = decide(linker, framed, title="The lock that always wins").link
    assert link is not None
    assert link.relation is Relation.COPY
    assert link.coverage.rewrite > 0.97


def test_the_order_in_which_originals_arrived_changes_nothing(linker: Linker) -> None:
    pages = [article("page", text) for text in (stories.CANAL_SPUN, stories.CANAL_INDEPENDENT, stories.GERMAN_SPUN)]
    originals = [*OTHERS, CANAL]
    expected = [against(linker, page, originals) for page in pages]
    for seed in range(4):
        random.Random(seed).shuffle(originals)
        fresh = Linker(LinkSettings())
        assert [against(fresh, page, originals) for page in pages] == expected


def test_a_page_that_came_first_is_never_linked(linker: Linker) -> None:
    page = article("page", stories.CANAL_SPUN, first_seen=at(3))
    decision = linker.decide(page, (CANAL,))
    assert decision.link is None
    assert decision.score == 0.0
    assert decision.considered[0].reason == "the page came first"
    late = linker.decide(replace(page, first_seen=at(5)), (CANAL,)).link
    assert late is not None
    assert late.precedence is Precedence.ORIGINAL_FIRST


def test_dates_that_a_page_claims_change_no_decision(linker: Linker) -> None:
    for published in (None, at(1), at(28)):
        assert decide(linker, stories.CANAL_SPUN, published=published).link is not None


def test_the_full_story_is_chosen_over_its_flash_and_a_flash_over_nothing(linker: Linker) -> None:
    flash = original("flash", stories.CANAL.split("\n\n")[0] + "\n\n" + stories.CANAL.split("\n\n")[1])
    both = linker.decide(article("page", stories.CANAL_SPUN), (flash, CANAL)).link
    assert both is not None
    assert both.original_id == "canal"


def test_a_copy_of_the_same_delivery_under_two_ids_is_decided_by_id(linker: Linker) -> None:
    again = replace(CANAL, id="aaa-canal")
    for candidates in ((CANAL, again), (again, CANAL)):
        link = linker.decide(article("page", stories.CANAL_SPUN), candidates).link
        assert link is not None
        assert link.original_id == "aaa-canal"


def test_of_two_deliveries_of_one_story_the_first_within_the_window_is_the_original(linker: Linker) -> None:
    years_ago = replace(CANAL, id="aaa", published=at(1) - timedelta(days=800))
    second = replace(CANAL, id="bbb", published=at(9))
    first = replace(CANAL, id="ccc", published=at(8))
    page = article("page", stories.CANAL_SPUN, published=at(11))
    decision = linker.decide(page, (years_ago, second, first))
    assert decision.link is not None
    assert decision.link.original_id == "ccc"
    old = linker.decide(page, (years_ago,))
    assert old.link is not None
    assert old.score < decision.score


def test_an_article_is_no_original_of_itself(linker: Linker) -> None:
    assert linker.decide(article("canal", stories.CANAL), (CANAL,)).considered == ()


def test_addresses_that_a_page_names_are_evidence(linker: Linker) -> None:
    address = CANAL.url
    page = article("page", stories.CANAL_SPUN, hyperlinks=(address,))
    link = linker.decide(page, (*OTHERS, CANAL), known_urls={address: "canal"}).link
    assert link is not None
    assert [piece.text for piece in link.evidence if piece.kind is EvidenceKind.HYPERLINK] == [address]
    canonical = replace(page, hyperlinks=(), canonical_url=address)
    link = linker.decide(canonical, (CANAL,), known_urls={address: "canal"}).link
    assert link is not None
    assert [piece.text for piece in link.evidence if piece.kind is EvidenceKind.CANONICAL] == [address]


def test_an_address_alone_links_nothing(linker: Linker) -> None:
    page = article("page", stories.CANAL_INDEPENDENT, hyperlinks=(CANAL.url,), canonical_url=CANAL.url)
    decision = linker.decide(page, (CANAL,), known_urls={CANAL.url: "canal"})
    assert decision.link is None


def test_the_base_rate_moves_the_score_and_the_threshold_decides(linker: Linker) -> None:
    page = article("page", stories.CANAL_LIFTED)
    common = Linker(LinkSettings(base_rate=0.5)).decide(page, (CANAL,))
    rare = Linker(LinkSettings(base_rate=0.0001)).decide(page, (CANAL,))
    assert common.score > linker.decide(page, (CANAL,)).score > rare.score
    strict = Linker(LinkSettings(threshold=1.0)).decide(page, (CANAL,))
    assert strict.link is None
    assert "below the threshold 1.00" in strict.considered[0].reason


RELEASE = """\
VARDHOLM, 12 February 2026 - Lindmark Waterways plc announces the temporary closure of the Torsby lock for 14 \
weeks from today, following the discovery of cracks in the eastern gate during a scheduled night inspection on \
11 February.

The longest of the cracks measures 3.7 metres. Replacement of the gate has been awarded to Sjoberg Marine AB at \
a contract value of $22 million. Approximately 2,300 vessels are expected to divert by way of the Sund, a \
distance of 190 miles.

Tolls paid in advance will be refunded within 30 days on application to any toll office. Lindmark Waterways \
employs 1,140 people at 26 locks and collects tolls of about $412 million a year.

"The safety of crews and staff is our first concern," said Viktor Engdahl, chairman of Lindmark Waterways. "We \
regret the inconvenience and thank our customers for their patience."

Enquiries: press office, Lindmark Waterways plc, Vardholm.
"""
REWORKED = """\
Lindmark Waterways is shutting the lock at Torsby for 14 weeks as of today, because cracks turned up in its \
eastern gate in a routine inspection on the night of 11 February.

One crack is 3.7 metres in length. Sjoberg Marine AB will replace the gate under a contract worth $22 million. \
Some 2,300 vessels must divert 190 miles through the Sund.

Whoever has paid tolls in advance can apply at any toll office and gets the money back within 30 days. The \
company takes in about $412 million in tolls each year and has 1,140 employees at its 26 locks.

Chairman Viktor Engdahl called the safety of crews and staff the first concern of the firm, regretted the \
inconvenience and thanked customers for being patient.
"""


def test_a_rework_of_a_release_is_linked_to_the_release_and_not_to_another_rework(linker: Linker) -> None:
    release = article("release", RELEASE, Role.RELEASE, publisher="Lindmark Waterways")
    page = article("page", REWORKED)
    decision = linker.decide(page, (CANAL, release, *OTHERS))
    assert decision.link is not None
    assert decision.link.original_id == "release"
    assert linker.decide(page, (CANAL,)).link is None


def test_a_rewrite_of_a_story_is_linked_to_it_though_the_release_is_held(linker: Linker) -> None:
    release = article("release", RELEASE, Role.RELEASE, publisher="Lindmark Waterways")
    link = linker.decide(article("page", stories.CANAL_SPUN), (release, CANAL)).link
    assert link is not None
    assert link.original_id == "canal"
