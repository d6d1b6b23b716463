"""Which blocks of a page are the article: furniture marked, the best subtree chosen, its rest swept out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from crawler.extract.blocks import Block, Element, Scan
from crawler.extract.dates import labelled_time
from crawler.extract.evidence import Sign
from crawler.extract.text import first_word, fold, signature

# An element whose name says furniture and that holds more than this share of a page's prose is a layout wrapper
# with an odd name, an accordion, a card that is the article. The surer a name, the greater the share.
_LIMITS = (
    (Sign.COMMENT, 0.9),
    (Sign.FURNITURE | Sign.BIO | Sign.CONSENT, 0.25),
    (Sign.ASIDE | Sign.PAYWALL | Sign.HEADER, 0.2),
    (Sign.TEASER, 0.1),
    (Sign.HIDDEN, 0.03),
)
_SWEPT = sum(signs for signs, _ in _LIMITS)
_LABELS = Sign.BYLINE | Sign.DATE
_SURE = Sign.COMMENT | Sign.BIO | Sign.TEASER  # whose prose is long, and still no article
_LEAD = 40  # characters of a text's beginning that are compared
_LEAD_WORTH = 1.0  # times all the page's prose, for the block that begins as the teaser does
_SECTION = 3  # long paragraphs without links; furniture has no more
_MAX_LABEL = 120  # characters of a byline or date; a longer one is text that an author's name marks
_NAMED_SHARE = 0.5  # of the best subtree's value in an element named as an article's body
_TAGGED_SHARE = 0.6  # … in an <article> or <main>
_STRONG = 120.0  # worth of a long paragraph
_NARROWED_SHARE = 0.95  # of the long paragraphs' worth
_LEAD_FROM = 60.0  # worth of a paragraph that stands apart
_NARROWED_VALUE = 0.6  # of all prose
_UNDER_HEADING = 7  # blocks in which a linked heading's text begins; a picture's caption and a price may come first
_MANY_LINKS = 4  # paragraphs
_ALL_LINK = -8.0  # the worth of a block that is nothing but link, at most
_STANDFIRST = 150.0  # worth
_LABEL = 30  # characters; what is shorter is no sentence
_MAX_CAPTION = 400  # characters
_MAX_CREDIT_LINE = 160  # characters
_SURE_TAIL_FROM = 0.3  # of the text; a short story may have more below it than in it
_TAIL_FROM = 0.8  # of the text; before it, a heading such as "Comments" is the article's own

_HEADINGS = frozenset(("h2", "h3", "h4"))
_RUNNING = frozenset(("li", "h2", "h3", "h4", "blockquote", "pre", "p", "td"))
_LISTS = frozenset(("ul", "ol"))
_ENDINGS = (".", "!", "?", ":")
_ADDRESS = ("http://", "https://", "www.")
_ARTICLE_TAGS = frozenset(("article", "main"))
_SENTENCE = re.compile(r"[.!?…。！？:;,”\"’)]")
_SIGNED = re.compile(
    r"^\W*(?:written |reported |posted |published )?by:? (?-i:[A-Z])[^!?]{2,80}(?<![.])$"
    r"|^written by [^.!?]{3,60}$",
    re.IGNORECASE,
)
_BOILERPLATE = re.compile(
    r"^\W*(?:by (?:signing up|clicking|subscribing|submitting)|sign up (?:for|to|now)|subscribe (?:to|now|for)"
    r"|(?:join|get) our (?:newsletter|mailing)|follow us|share (?:this|on)\b[^.]{0,60}$"
    r"|(?:read|see|learn|watch|find out)(?: \w+)? more\b.{0,60}$|read (?:also|next|more)\b|also read\b"
    r"|related(?: \w+)?:"
    r"|click here to (?:sign|subscribe|join)|thank(?:s| you) for (?:signing|subscribing|reading)|as an amazon associate"
    r"|advertisement\b|skip to|all rights reserved|want (?:more|to learn more)\b.{0,90}$"
    r"|(?:this|the) (?:article|post|page) (?:may )?contains? affiliate|we may (?:earn"
    r"|receive) (?:a )?(?:small )?commission"
    r"|last updated\b.{0,40}$|filed under|tagged (?:with|as)|posted in\b.{0,80}$|(?:pin|save) (?:this|it) for later"
    r"|leave a (?:comment|reply)|your email address will not|table of contents\W*$"
    r"|photo (?:by|credit|courtesy)|image (?:by|credit|source|courtesy)|source\W*$)",
    re.IGNORECASE,
)
_BOILERPLATE_WORDS = frozenset(
    (
        "by", "sign", "subscribe", "join", "get", "follow", "share", "read", "see", "learn", "watch", "find", "also",
        "related", "click", "thank", "thanks", "as", "advertisement", "skip", "all", "want", "this", "the", "we",
        "last", "filed", "tagged", "posted", "pin", "save", "leave", "your", "table", "photo", "image", "source",
    )
)  # fmt: skip
# Whose rest on the same line is the section's first entry.
_TAIL_BEGUN = re.compile(r"^\W*(?:(?:reader|user|readers['’]|visitor) )?comments? ?\(\d+\)", re.IGNORECASE)
_TAIL = re.compile(
    r"^\W*(?:about (?:the authors?|us|me)|author bio|related (?:posts?|articles?|stories|reading|content|topics"
    r"|news|resources)?"
    r"|you (?:may|might|could) (?:also )?(?:like|enjoy|be interested).*|more (?:from|on|stories|like this"
    r"|articles|posts).{0,40}"
    r"|(?:what to )?read next|recommended.{0,30}|leave a (?:reply|comment).*|(?:\d+ ?(?:comment|response|reply)"
    r"|\d* ?(?:comments|responses|replies))(?: to .*)?"
    r"|share this.*|(?:recent|popular) (?:posts|articles|stories)|(?:latest|trending).{0,30}|subscribe.*|sign up.*"
    r"|(?:get|join).{0,30}newsletter.*"
    r"|tags?|categories|keep reading|explore more.*|discussion)\W*$",
    re.IGNORECASE,
)
# What no article calls a section of its own.
_SURE_TAIL = re.compile(
    r"^\W*(?:about the (?:author|reviewer|writer)s?|recent (?:posts|articles)"
    r"|you (?:may|might|could) also (?:like|enjoy)|leave a (?:reply|comment)|post navigation)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Body:
    """The article's blocks and its captions, by index."""

    blocks: tuple[int, ...]
    captions: tuple[int, ...]


def prose(block: Block) -> float:
    """Characters of running text a block is worth; negative for links and labels."""
    length = block.length
    share = block.linked / length if block.linked < length else 1.0
    if share > 0.6:
        return _ALL_LINK - 0.1 * min(length, 200)
    if length >= 50 and _SENTENCE.search(block.text):
        return length * (1.0 - share) ** 2
    if length >= 80:
        return 0.5 * length * (1.0 - share)
    if block.tag in _RUNNING:
        return 0.2 * length * (1.0 - share) ** 2
    return -3.0


def select(scan: Scan, title: str, *, leads: Sequence[str] = (), whole: bool = False) -> Body:
    """Chooses the article's blocks. `title` is left out where it stands as a block of its own.

    `leads`: how others say the text begins (the feed's teaser, JSON-LD's articleBody); where a block begins so, the
    article is there. `whole`: there is no page around the article.
    """
    blocks, elements = scan.blocks, scan.elements
    if not blocks:
        return Body((), ())
    worth = [prose(block) for block in blocks]
    positive = list(accumulate((w if w > 0.0 else 0.0 for w in worth), initial=0.0))
    for index in _begun(blocks, leads):
        worth[index] += _LEAD_WORTH * positive[-1]
    out = _sweep(elements, blocks, positive)
    value = list(accumulate((0.0 if gone else w for gone, w in zip(out, worth, strict=True)), initial=0.0))
    first, end = 0, len(blocks)
    if not whole:
        first, end = _range(elements, worth, value, out)
    inside = [*range(first, end)]
    if not whole:
        inside = _standfirst(scan, first, worth, out, title) + inside
    captions = [i for i in inside if blocks[i].parent.signs & Sign.CAPTION and blocks[i].length < _MAX_CAPTION]
    for index in captions:
        out[index] = 1
    kept = _kept(scan, [i for i in inside if not out[i]], worth, signature(title))
    return Body(tuple(kept if whole else _without_tail(blocks, kept)), tuple(captions))


def _begun(blocks: Sequence[Block], leads: Sequence[str]) -> list[int]:
    """The blocks that begin as one of the leads does; a lead too short to tell one text from another is passed over."""
    starts = tuple(start for lead in leads if len(start := fold(lead[:400])[:_LEAD]) == _LEAD)
    return [index for index, block in enumerate(blocks) if block.text.startswith(starts)] if starts else []


def _sweep(elements: Sequence[Element], blocks: Sequence[Block], positive: Sequence[float]) -> bytearray:
    """Marks the blocks inside elements whose names say furniture, outer ones first."""
    out = bytearray(len(blocks))
    whole = positive[-1] or 1.0
    for _, signs, first, end, _, _ in elements:
        if not signs & (_SWEPT | _LABELS) or first >= end or out[first]:
            continue
        if signs & _SWEPT:
            share = (positive[end] - positive[first]) / whole
            sure = signs & _SURE
            if signs & _SWEPT == Sign.TEASER and not any(blocks[index].linked for index in range(first, end)):
                continue  # a card that leads nowhere is a box of the text's own
            if share < max(limit for sign, limit in _LIMITS if signs & sign) and (
                sure or not _reads(blocks, first, end)
            ):
                out[first:end] = b"\x01" * (end - first)
        elif end - first <= 4 and sum(blocks[i].length for i in range(first, end)) < _MAX_LABEL:
            out[first:end] = b"\x01" * (end - first)
    return out


def _reads(blocks: Sequence[Block], first: int, end: int) -> bool:
    """Whether a range of blocks reads as a story's section: long paragraphs, and hardly a link."""
    inside = blocks[first:end]
    long = sum(1 for block in inside if block.length > 150 and block.linked < 0.1 * block.length)
    if long < _SECTION:
        return False
    return sum(min(block.linked, block.length) for block in inside) < 0.15 * sum(block.length for block in inside)


def _range(
    elements: Sequence[Element], worth: Sequence[float], value: Sequence[float], out: bytearray
) -> tuple[int, int]:
    """The blocks between which the article stands, half-open."""
    outer = _root(elements, value)
    pieces = _pieces(elements, outer, value)
    if len(pieces) > 1:
        return min(piece.first for piece in pieces), max(piece.end for piece in pieces)
    inner = elements[_narrowed(elements, outer, worth, value, out)]
    return _lead(elements[outer].first, inner.first, worth, out), inner.end


def _pieces(elements: Sequence[Element], root: int, value: Sequence[float]) -> list[Element]:
    """All elements that are what the root is, where that is named as a body: a text with offers or pictures between
    its parts has each of them in an element of the same name."""
    named = elements[root]
    if not named.signs & Sign.BODY:
        return [named]
    return [
        other
        for other in elements
        if other.head == named.head and other.depth == named.depth and value[other.end] > value[other.first]
    ]


def _root(elements: Sequence[Element], value: Sequence[float]) -> int:
    """The subtree with the greatest value, of equal ones the innermost.

    Where an element is named as the body of an article, or is an <article> or <main>, and holds most of that
    value, the rest stands around the article.
    """
    best, best_value = 0, float("-inf")
    named, named_value = -1, 0.0
    tagged, tagged_value = -1, 0.0
    for index, (tag, signs, first, end, _, _) in enumerate(elements):
        total = value[end] - value[first]
        if total >= best_value:
            best, best_value = index, total
        if signs & Sign.BODY and total > named_value:
            named, named_value = index, total
        if signs & Sign.ARTICLE and tag in _ARTICLE_TAGS and total > tagged_value:
            tagged, tagged_value = index, total
    if named_value > _NAMED_SHARE * best_value:
        return named
    return tagged if tagged_value > _TAGGED_SHARE * best_value else best


def _narrowed(
    elements: Sequence[Element], root: int, worth: Sequence[float], value: Sequence[float], out: bytearray
) -> int:
    """The innermost element in `root` that holds all of its long paragraphs, and most of its short ones.

    Mottoes, weather and calls to subscribe are sentences too, and stand beside the text in the same layout.
    """
    strong = list(
        accumulate((w if w >= _STRONG and not gone else 0.0 for gone, w in zip(out, worth, strict=True)), initial=0.0)
    )
    outer = elements[root]
    needed = _NARROWED_SHARE * (strong[outer.end] - strong[outer.first])
    least = _NARROWED_VALUE * (value[outer.end] - value[outer.first])
    if needed <= 0.0:
        return root
    for index in range(root + 1, len(elements)):
        _, _, first, end, _, _ = elements[index]
        if first >= outer.end:
            break
        if end <= outer.end and strong[end] - strong[first] >= needed and value[end] - value[first] >= least:
            root = index
    return root


def _lead(outer: int, first: int, worth: Sequence[float], out: bytearray) -> int:
    """Where the text begins: its first paragraph may stand alone above the element that holds all others."""
    while first > outer and not out[first - 1] and worth[first - 1] >= _LEAD_FROM:
        first -= 1
    return first


def _standfirst(scan: Scan, first: int, worth: Sequence[float], out: bytearray, title: str) -> list[int]:
    """Paragraphs that stand under the headline and apart from the text."""
    mark = signature(title)
    heading = next(
        (
            index
            for index in range(first - 1, max(first - 20, -1), -1)
            if scan.blocks[index].tag in ("h1", "h2") and signature(scan.blocks[index].text) == mark
        ),
        None,
    )
    if heading is None:
        return []
    return [i for i in range(heading + 1, first) if worth[i] >= _STANDFIRST and not out[i]]


def _kept(scan: Scan, indices: Sequence[int], worth: Sequence[float], heading: str) -> list[int]:
    """The blocks of the chosen subtree without links, boilerplate, the headline and repetitions."""
    kept: list[int] = []
    seen: set[str] = set()
    lists: list[Element] = []
    listed: bytearray | None = None
    begun = False
    for index in indices:
        block = scan.blocks[index]
        if worth[index] <= _ALL_LINK:
            if block.tag == "li" and not lists:
                lists = _lists_around(scan)
            if block.tag == "p" and listed is None:
                listed = _listed(scan.blocks, worth)
            if not _belongs(scan, index, worth, lists) and not (listed is not None and listed[index]):
                continue
        if block.length <= 300:
            first = first_word(block.text)
            if first in _BOILERPLATE_WORDS and _BOILERPLATE.match(block.text):
                continue
            if len(heading) <= block.length < 200 and heading.startswith(first) and signature(block.text) == heading:
                continue
        if block.length >= 40:
            # Pages carry variants for phones and printers; a reader sees one of them.
            if block.text in seen:
                continue
            seen.add(block.text)
        if not begun:
            begun = worth[index] >= _STRONG
            if not begun and _is_credit_line(block):
                continue
        kept.append(index)
    return kept


def _is_credit_line(block: Block) -> bool:
    """Whether a line above the text only tells who wrote it or when it came out."""
    return block.length <= _MAX_CREDIT_LINE and (
        labelled_time(block.text) is not None or bool(_SIGNED.match(block.text))
    )


def _belongs(scan: Scan, index: int, worth: Sequence[float], lists: Sequence[Element]) -> bool:
    """Whether a block that is nearly all link is the article's own.

    A heading over prose or a cell between two others, a sentence, one item of a mixed list. What leads to other
    articles is a headline by itself.
    """
    block = scan.blocks[index]
    between = 0 < index < len(worth) - 1 and worth[index - 1] > 0.0 and worth[index + 1] > 0.0
    if block.linked < block.length and block.tag in _RUNNING and (block.tag == "li" or block.text.endswith(_ENDINGS)):
        return True
    if block.tag in _HEADINGS:
        return between or any(other > 60.0 for other in worth[index + 1 : index + _UNDER_HEADING])
    if block.tag == "li":
        # An address is a source that the text names; what leads on has a headline.
        return block.text.startswith(_ADDRESS) or _is_mixed(scan.blocks, lists[index])
    if block.tag == "td":  # a page laid out in tables has its menus in cells, with marks between their links
        return between and block.linked >= block.length
    return between and block.tag == "p" and block.text.endswith(_ENDINGS)


def _is_mixed(blocks: Sequence[Block], whole: Element) -> bool:
    """Whether a list has text beside its links."""
    items = blocks[whole.first : min(whole.end, whole.first + 60)]
    return sum(min(item.linked, item.length) for item in items) < 0.6 * sum(item.length for item in items)


def _listed(blocks: Sequence[Block], worth: Sequence[float]) -> bytearray:
    """Marks paragraphs that are all link where many follow each other between two of text: what the text lists.

    Links to other articles that are put into a text come by ones and twos.
    """
    marked = bytearray(len(blocks))
    start = 0
    for index, block in enumerate(blocks):
        if block.tag == "p" and worth[index] <= _ALL_LINK:
            continue
        if index - start >= _MANY_LINKS and start and worth[start - 1] > 0.0 and worth[index] > 0.0:
            marked[start:index] = b"\x01" * (index - start)
        start = index + 1
    return marked


def _lists_around(scan: Scan) -> list[Element]:
    """For each block the innermost list that holds it, else the body."""
    around = [scan.elements[0]] * len(scan.blocks)
    for element in scan.elements:  # outer ones first
        if element.tag in _LISTS:
            around[element.first : element.end] = [element] * (element.end - element.first)
    return around


def _without_tail(blocks: Sequence[Block], kept: list[int]) -> list[int]:
    """Cuts what follows a heading of the page's own sections near the end of the text."""
    whole = sum(blocks[index].length for index in kept)
    rest, rest_if_sure = (1.0 - _TAIL_FROM) * whole, (1.0 - _SURE_TAIL_FROM) * whole
    after = 0
    cut = len(kept)
    for place in range(len(kept) - 1, -1, -1):
        block = blocks[kept[place]]
        after += block.length
        if after > rest:
            if after > rest_if_sure:
                break
            if block.length < 80 and _SURE_TAIL.match(block.text):
                cut = place
        elif (block.length < 80 and _ends_text(blocks, kept, place) and _TAIL.match(block.text)) or (
            block.length <= 300 and _TAIL_BEGUN.match(block.text)
        ):
            cut = place
    return kept[:cut]


def _ends_text(blocks: Sequence[Block], kept: Sequence[int], place: int) -> bool:
    """Whether a heading stands below running text, and not among a table's cells ("Tool" · "Recommended use")."""
    return not place or blocks[kept[place - 1]].length >= _LABEL
