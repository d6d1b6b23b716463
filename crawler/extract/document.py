"""An HTML page, parsed within bounds: the evidence of its head and its body as one canonical string.

The tree is Lexbor's. It is not walked node by node from Python: Lexbor writes the body out again in one call, and
in that spelling (every element closed, every attribute quoted, `<` and `>` escaped) a single regular expression
finds all tags and texts exactly. That costs half a microsecond a tag and has no depth.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

from selectolax.lexbor import LexborHTMLParser, LexborNode

MAX_CHARACTERS = 10_000_000
MAX_JSON = 3_000_000  # characters of one embedded JSON document
MAX_HEAD_ITEMS = 400  # meta and link elements that are read
_MAX_DEPTH = 400  # open elements; deeper ones lose their tag and keep their text
_MAX_FORMATTING = 60  # open inline elements: HTML repeats all of them in each new paragraph
_MENUS = ":is(nav, [role=navigation], footer ul, header ul, ul[class*=menu i]):not(:has(p, h1, time))"
_NESTED = ", ".join(" ".join([name] * 8) for name in ("nav", "ul", "[role=navigation]"))
_MAX_MENUS = 500
_MAX_MENU_TEXT = 200_000  # characters, in all menus of a page
_DIGIT = re.compile(r"\d")
_MAX_ATTRIBUTES = 1_000  # of a tag that is longer than
_MAX_TAG = 20_000  # characters; comparing attributes with each other is quadratic in the parser
_MANY = 12_000  # tags: above, depth is looked at as well
_MAX_TAGS = 80_000
_SMALL = 2_500  # tags: whatever they are, parsing them is quick

_UNSEEN = [
    "script", "style", "svg", "iframe", "template", "select", "noembed", "noframes", "xmp", "plaintext", "object",
    "canvas", "audio", "video", "datalist", "dialog", "math", "img", "source", "input", "link",
]  # fmt: skip
_TAG_NAME = re.compile(r"</?[a-zA-Z]")
_TAG_START = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:-]*)")
_QUOTED = re.compile("\"[^\"]*\"|'[^']*'")
# Attributes in which a quote is not closed: where such a tag ends, only a parser knows.
_OPEN_QUOTE = re.compile(r"(?:[^\"']++|\"[^\"]*+\"|'[^']*+')*+[\"'].*", re.DOTALL)
_RAW_TEXT = {name: re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style", "textarea", "title")}
_FORMATTING = frozenset(
    ("a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u")
)
# Tags of these, as fast as `re` can: by the first letter, then whether that was all, else by the rest.
_FORMATTING_TAG = re.compile(
    "<(/?)[abcefinstuABCEFINSTU](?:(?<=[abisuABISU])|"
    + "|".join("".join(f"[{c}{c.upper()}]" for c in name[1:]) for name in sorted(_FORMATTING) if len(name) > 1)
    + r")(?=[\s/>])"
)
# An end tag of these may be left out, so that open ones do not tell of depth.
_IMPLIED_END = frozenset(
    (
        "p", "li", "dt", "dd", "option", "optgroup", "tr", "td", "th", "tbody", "thead", "tfoot", "colgroup", "caption",
        "rp", "rt", "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
        "track", "wbr",
    )
)  # fmt: skip


@dataclass(slots=True)
class Page:
    """What was read of a page before its body is scanned."""

    body: str = ""  # Lexbor's own spelling of <body>
    title: str = ""
    language: str = ""
    meta: dict[str, list[str]] = field(default_factory=dict)  # lower-case name or property → contents, in order
    links: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)  # rel in lower case, attributes
    base: str = ""
    json_ld: list[str] = field(default_factory=list)
    state: str = ""  # a framework's JSON from which a script builds the page (__NEXT_DATA__ and its kin)

    def first(self, *names: str) -> str:
        """The first non-empty content under any of these meta names, in the order of the names."""
        for name in names:
            for value in self.meta.get(name, ()):
                if value:
                    return value
        return ""


def parse(html: str) -> Page:
    """Reads a page of at most `MAX_CHARACTERS`; what is beyond is cut off. Never raises for bad mark-up."""
    tree = LexborHTMLParser(tame(html[:MAX_CHARACTERS]))
    page = Page()
    _read_head(tree, page)
    _read_scripts(tree, page)
    tree.strip_tags(_UNSEEN, recursive=True)
    _drop_menus(tree)
    body = tree.body
    page.body = (body.html or "") if body is not None else ""
    return page


def tame(html: str) -> str:
    """The page, without mark-up on which an HTML parser needs quadratic time or memory.

    Real pages come out as they went in.
    """
    opened, closed = html.count("<"), html.count(">")
    if (
        (opened > _MANY and len(_TAG_NAME.findall(html)) > _MANY)
        # Where there are many more `>` than `<`, they may stand in quotes, in a tag with as many attributes.
        or closed > opened + _SMALL
        or (opened > _SMALL and _formatting_depth(html) > _MAX_FORMATTING)
        or _has_giant_tag(html)
    ):
        return "".join(_tamed(html))
    return html


def _formatting_depth(html: str) -> int:
    """How many inline elements are open at once at most, if a stray end tag closes nothing."""
    found = _FORMATTING_TAG.findall(html)
    level = deepest = 0
    for closing in found:
        if not closing:
            level += 1
            deepest = max(deepest, level)
        elif level:
            level -= 1
    return deepest


def _has_giant_tag(html: str) -> bool:
    """Whether a tag, or what might be one, is longer than `_MAX_TAG`."""
    half = _MAX_TAG // 2
    # A stretch of that length without `>` holds a whole window of half of it.
    if all(html.find(">", start, start + half) >= 0 for start in range(0, len(html) - half + 1, half)):
        return False
    return any(len(piece) > _MAX_TAG and _ends_in_tag(piece) for piece in html.split(">"))


def _ends_in_tag(piece: str) -> bool:
    start = piece.rfind("<")
    if len(piece) - start <= _MAX_TAG or not piece[start + 1 : start + 2].isalpha():
        return False
    bare, quoted = _QUOTED.subn(" ", piece[start:])
    # An image in an attribute is long, and one attribute.
    return quoted + len(bare.split()) + bare.count("/") + bare.count('"') + bare.count("'") > _MAX_ATTRIBUTES


def _tamed(html: str) -> Iterator[str]:
    depth = formatting = position = 0
    for match in islice(_TAG_START.finditer(html), _MAX_TAGS):
        start = match.start()
        if start < position:  # inside the tag before
            continue
        yield html[position:start]
        end = html.find(">", match.end())
        if end < 0:
            return
        position = end + 1
        name = match[2].lower()
        if name in _RAW_TEXT and not match[1]:
            closing = _RAW_TEXT[name].search(html, position)
            position = closing.start() if closing else len(html)
            yield html[start:position]
            continue
        if match[1]:
            if name in _FORMATTING:
                formatting = max(formatting - 1, 0)
            elif name not in _IMPLIED_END:
                depth = max(depth - 1, 0)
        elif name in _FORMATTING:
            formatting += 1
            if formatting > _MAX_FORMATTING:
                continue
        elif name not in _IMPLIED_END:
            depth += 1
            if depth > _MAX_DEPTH:
                continue
        attributes = html[match.end() : end]
        if len(attributes) > _MAX_TAG or _OPEN_QUOTE.fullmatch(attributes):
            attributes = ""
        yield f"<{match[1]}{match[2]}{attributes}>"
    # What is left has no tag, or more of them than any article needs.
    yield html[position:].partition("<")[0]


def _drop_menus(tree: LexborHTMLParser) -> None:
    """Takes out menus: a third of a page's tags, and none that tells of an article.

    What has a sentence, a number (a date, a notice's year) or a paragraph in it stays, whatever it is called.
    """
    if tree.css_first(_NESTED) is not None:  # no menu, and `:has` is quadratic in it
        return
    read = 0
    # Inner ones first: what is inside another is gone with it, and must not be touched then.
    for node in reversed(tree.css(_MENUS)[:_MAX_MENUS]):
        text = node.text()
        read += len(text)
        if read > _MAX_MENU_TEXT:
            return
        if ". " not in text and "©" not in text and not _DIGIT.search(text):
            node.decompose()


def _read_head(tree: LexborHTMLParser, page: Page) -> None:
    root = tree.root
    if root is not None:
        page.language = root.attributes.get("lang") or root.attributes.get("xml:lang") or ""
    title = tree.css_first("title")
    if title is not None:
        page.title = title.text()[:2_000]
    for node in tree.css("meta,link,base")[:MAX_HEAD_ITEMS]:
        attributes = node.attributes
        tag = node.tag
        if tag == "meta":
            name = attributes.get("property") or attributes.get("name") or attributes.get("itemprop")
            name = name or attributes.get("http-equiv")
            content = attributes.get("content")
            if name and content:
                page.meta.setdefault(name.strip().lower(), []).append(content.strip()[:5_000])
        elif tag == "link":
            rel = attributes.get("rel")
            if rel and attributes.get("href"):
                page.links.append((rel.lower(), attributes))
        elif not page.base:
            page.base = attributes.get("href") or ""


def _read_scripts(tree: LexborHTMLParser, page: Page) -> None:
    for node in tree.css('script[type*="json" i]')[:60]:
        attributes = node.attributes
        kind = (attributes.get("type") or "").strip().lower()
        text = _script_text(node)
        if "ld+json" in kind:
            page.json_ld.append(text)
        elif len(text) > len(page.state) and (attributes.get("id") or "").startswith("__"):
            page.state = text


def _script_text(node: LexborNode) -> str:
    text = node.text()
    return text if len(text) <= MAX_JSON else ""
