"""What a page is. A stub, a wall or a front page must never be linked as if it were the story."""

from __future__ import annotations

import re

from crawler.extract.blocks import Scan
from crawler.extract.body import Body, prose
from crawler.extract.evidence import Sign
from crawler.extract.jsonld import LinkedData
from crawler.model import Verdict

MIN_WORDS = 25  # of an article's body
_SHORT = 180  # words; a longer text is an article, whatever walls stand around it
_STUB = 80  # words
_MENU_LINK = 15  # characters of a menu's entry
_STORY = 400  # characters of paragraphs one after the other; on a front, each entry is shorter
_ARTICLE_TYPES = frozenset(("article", "news", "news.article", "blog"))
_ERROR_TITLE = re.compile(
    r"^\W*(?:(?:error\W*)?(?:40[0-9]|41[0-9]|50[0-9])\b|page (?:was )?not found|not found$|access denied"
    r"|forbidden$|error\W*$|service unavailable|bad gateway"
    r"|just a moment|attention required|are you (?:a )?(?:robot|human)|security check|site not found|oops"
    r"|internal server error|pardon our interruption"
    r"|seite nicht gefunden|page introuvable|página no encontrada)|\b(?:page not found|404 not found|error 404"
    r"|404 error)\W*$",
    re.IGNORECASE,
)
_ERROR_TEXT = re.compile(
    r"page (?:you(?:'re| are| were|’re)? (?:requested|looking for|trying)|(?:can ?not|could not|can't"
    r"|can’t) be found|does not exist|no longer exists)"
    r"|enable javascript and cookies to continue|verify(?:ing)? (?:that )?you are (?:a )?human"
    r"|checking your browser|unusual traffic|access to this page has been denied",
    re.IGNORECASE,
)
_PAYWALL_TEXT = re.compile(
    r"subscribe (?:now )?to (?:continue|keep|read|unlock)|(?:continue|keep) reading (?:this (?:article"
    r"|story) )?(?:with|by|for)|to (?:continue|keep) reading"
    r"|already a (?:subscriber|member)|subscribers? only|for subscribers|exclusive to (?:our )?(?:subscribers"
    r"|members)|(?:log|sign) ?in to (?:continue|read)"
    r"|unlock (?:this|the) (?:article|story)|you(?:'ve| have|’ve) (?:reached|read) (?:your|all)"
    r"|register (?:now )?to (?:continue|read)|become a (?:member|subscriber) to"
    r"|your (?:free )?trial|this (?:article|content|story) is (?:reserved|only available"
    r"|available (?:only )?(?:to|for))",
    re.IGNORECASE,
)
_CONSENT_TEXT = re.compile(
    r"(?:we|our partners|partners).{0,80}(?:use|store).{0,60}cookies|before you continue|your privacy (?:choices"
    r"|matters)|accept (?:all )?(?:cookies|and continue)|manage (?:your )?(?:cookies|preferences|consent)",
    re.IGNORECASE,
)


def judge(scan: Scan, body: Body, text: str, title: str, linked: LinkedData, og_type: str) -> Verdict:
    """The verdict on a parsed page; `text` is the body that was read off it."""
    count = text.count(" ") + text.count("\n\n") + bool(text)  # white space is folded
    visible = " ".join(block.text for block in scan.blocks[:400])[:20_000] if count < _SHORT else ""
    claimed = linked.kind == "article" or og_type.lower() in _ARTICLE_TYPES
    if (count < 250 and _ERROR_TITLE.search(title)) or (count < 150 and _ERROR_TEXT.search(visible)):
        return Verdict.ERROR_PAGE
    if count < _SHORT and _walled(scan, body, linked, claimed, visible if count < _STUB else ""):
        return Verdict.PAYWALL
    few = count < (MIN_WORDS // 2 if claimed else MIN_WORDS)
    if (few and _links(scan) > 0.5 and len(scan.blocks) + scan.page.menu_links > 30) or (
        not claimed and _lists_pages(scan, body)
    ):
        return Verdict.LISTING
    if (count < 150 and _CONSENT_TEXT.search(text)) or (few and _consent(scan, visible)):
        return Verdict.CONSENT
    return Verdict.NOT_ARTICLE if few else Verdict.ARTICLE


def _walled(scan: Scan, body: Body, linked: LinkedData, claimed: bool, visible: str) -> bool:
    """Whether a text is short because the rest must be paid for: the page says so where the text ends.

    An element that is named for the wall counts by its words; systems name offers beside a whole story so, too.
    `visible` is looked at wherever the words stand; it is empty where there is a text to look behind.
    """
    if linked.free is False:
        return True
    for element in scan.elements:
        if element.signs & Sign.PAYWALL and element.first < element.end:
            text = scan.inside(element)[:2_000]
            if _PAYWALL_TEXT.search(text) or (linked.free is None and not _ended(scan, body)):
                return True
    if not claimed or linked.free:
        return False
    last = body.blocks[-1] if body.blocks else 0
    return bool(_PAYWALL_TEXT.search(visible)) or any(
        _PAYWALL_TEXT.search(block.text[:2_000]) for block in scan.blocks[max(last - 3, 0) : last + 12]
    )


def _ended(scan: Scan, body: Body) -> bool:
    """Whether the text ends as a text does, not in an ellipsis or in the middle of a sentence."""
    return bool(body.blocks) and scan.blocks[body.blocks[-1]].text.rstrip("”\"’')»").endswith((".", "!", "?", "。"))


def _consent(scan: Scan, visible: str) -> bool:
    if not _CONSENT_TEXT.search(visible):
        return False
    return sum(block.length for block in scan.blocks) < 6_000


def _links(scan: Scan) -> float:
    menus = scan.page.menu_links * _MENU_LINK
    total = sum(block.length for block in scan.blocks) + menus
    return (sum(min(block.linked, block.length) for block in scan.blocks) + menus) / total if total else 0.0


def _lists_pages(scan: Scan, body: Body) -> bool:
    """A front: many linked headings, and what prose there is comes in crumbs between them."""
    chosen = [scan.blocks[index] for index in body.blocks]
    if max((block.length for block in chosen), default=0) >= _STORY:
        return False
    headings = sum(
        1 for b in scan.blocks if b.linked >= b.length > 20 and b.tag in ("h2", "h3", "h4", "a", "div", "li", "td", "p")
    )
    running = sum(1 for block in chosen if prose(block) > 80)
    if _longest_run(scan, body) >= _STORY:
        return False
    return headings >= 12 and headings > 2 * running and _links(scan) > 0.4


def _longest_run(scan: Scan, body: Body) -> int:
    """Characters of the longest run of paragraphs with no link between them."""
    longest = run = 0
    before = -1
    for index in body.blocks:
        block = scan.blocks[index]
        if prose(block) <= 0.0 or any(other.linked > 0.6 * other.length for other in scan.blocks[before + 1 : index]):
            run = 0
        run += block.length if prose(block) > 80 else 0
        longest = max(longest, run)
        before = index
    return longest
