"""JSON-LD (schema.org) as publishers really write it: graphs, lists, references, trailing commas, raw line breaks."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

_MAX_NODES = 3_000
_ARTICLE = re.compile(
    r"(?:Article|BlogPosting|Report|NewsStory|LiveBlogPosting|SocialMediaPosting|Blog[Pp]ost|Review|TechArticle"
    r"|Recipe|HowTo)$"
)
_PAGE = re.compile(r"(?:WebPage|AboutPage|ItemPage|CreativeWork|MedicalWebPage)$")
_LISTING = re.compile(r"(?:CollectionPage|SearchResultsPage|ItemList)$")
_ORGANISATION = re.compile(r"(?:Organi[sz]ation|Corporation)$")
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_WRAPPING = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*.*?\*/)|(?:-->|//\s*\]\]>|\]\]>)\s*;?\s*$", re.DOTALL
)
_DECODER = json.JSONDecoder(strict=False)

Node = dict[str, Any]


@dataclass(frozen=True, slots=True)
class LinkedData:
    """What the article's node says, as written. `kind` is article, page, listing or ""."""

    kind: str = ""
    headline: str = ""
    body: str = ""
    authors: tuple[str, ...] = ()
    author_desks: tuple[str, ...] = ()  # authors that are organisations
    published: str = ""
    modified: str = ""
    language: str = ""
    publisher: str = ""
    section: str = ""
    url: str = ""
    free: bool | None = None  # isAccessibleForFree


def read_linked_data(documents: Sequence[str]) -> LinkedData:
    """The evidence of all JSON-LD of a page; what can't be parsed is passed over."""
    nodes = list(_nodes(documents))
    by_id = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str) and len(node) > 1}
    article = _best(nodes, _ARTICLE)
    page = _best(nodes, _PAGE)
    chosen = article or page
    if chosen is None:
        kind = "listing" if any(_is(node, _LISTING) for node in nodes) else ""
        return LinkedData(kind=kind, publisher=_site(nodes))
    fallback = page or {}
    return LinkedData(
        kind="article" if article else "page",
        headline=_text(chosen.get("headline")) or _text(chosen.get("name")),
        body=_text(chosen.get("articleBody")) or _text(chosen.get("text")),
        authors=tuple(_authors(chosen, by_id, organisations=False)),
        author_desks=tuple(_authors(chosen, by_id, organisations=True)),
        published=_text(chosen.get("datePublished"))
        or _text(fallback.get("datePublished"))
        or _text(chosen.get("dateCreated")),
        modified=_text(chosen.get("dateModified")) or _text(fallback.get("dateModified")),
        language=_text(chosen.get("inLanguage")) or _text(fallback.get("inLanguage")),
        publisher=_name(chosen.get("publisher"), by_id) or _site(nodes),
        section=_text(chosen.get("articleSection")),
        url=_address(chosen),
        free=_truth(chosen.get("isAccessibleForFree")),
    )


def read_json(text: str) -> Iterator[Any]:
    """The JSON values in a script: several after each other, wrapped in comments or with trailing commas."""
    text = text.strip()
    if text.startswith(("<", "/")) or text.endswith((">", ";")):
        text = _WRAPPING.sub("", text).strip()
    position = 0
    for _ in range(20):
        try:
            value, position = _DECODER.raw_decode(text, position)
        except (ValueError, RecursionError):
            mended = _TRAILING_COMMA.sub(r"\1", text[position:])
            try:
                value, _ = _DECODER.raw_decode(mended)
            except (ValueError, RecursionError):
                return
            yield value
            return
        yield value
        while position < len(text) and text[position] in " \t\r\n;,":
            position += 1
        if position >= len(text):
            return


def _nodes(documents: Sequence[str]) -> Iterator[Node]:
    """Objects of all documents in order, breadth first, those inside others too."""
    count = 0
    for document in documents:
        queue = list(read_json(document))
        for value in queue:  # grows while it is read
            if count >= _MAX_NODES:
                return
            if isinstance(value, list):
                queue.extend(value[:_MAX_NODES])
            elif isinstance(value, dict):
                count += 1
                yield value
                for key, inner in value.items():
                    if isinstance(inner, dict | list) and key not in {
                        "comment",
                        "review",
                        "publisher",
                        "image",
                        "itemListElement",
                        "isPartOf",
                        "hasPart",
                    }:
                        queue.append(inner)


def _is(node: Node, kind: re.Pattern[str]) -> bool:
    types = node.get("@type")
    return any(isinstance(name, str) and kind.search(name) for name in (types if isinstance(types, list) else [types]))


def _best(nodes: Sequence[Node], kind: re.Pattern[str]) -> Node | None:
    """The node of this kind that says most; of equal ones the first."""
    told = ("headline", "name", "datePublished", "author", "articleBody", "dateModified")
    found = [node for node in nodes if _is(node, kind)]
    return max(found, key=lambda node: sum(1 for key in told if node.get(key)), default=None)


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next((text for text in map(_text, value[:20]) if text), "")
    if isinstance(value, dict):
        inner = value.get("@value") or value.get("name")
        return inner if isinstance(inner, str) else ""
    return ""


def _authors(node: Node, by_id: dict[str, Node], *, organisations: bool) -> Iterator[str]:
    value = node.get("author") or node.get("creator")
    for item in value[:30] if isinstance(value, list) else [value]:
        told = item
        if isinstance(item, dict) and not item.get("name") and isinstance(item.get("@id"), str):
            told = by_id.get(item["@id"], item)
        name = _name(told, by_id)
        if name and organisations == (isinstance(told, dict) and _is(told, _ORGANISATION)):
            yield name


def _name(value: Any, by_id: dict[str, Node]) -> str:
    if isinstance(value, list):
        value = value[0] if value else None
    if isinstance(value, dict):
        if not value.get("name") and isinstance(value.get("@id"), str):
            value = by_id.get(value["@id"], value)
        return _text(value.get("name"))
    return value if isinstance(value, str) and not value.startswith(("http://", "https://", "#")) else ""


def _site(nodes: Sequence[Node]) -> str:
    return next((_text(node.get("name")) for node in nodes if node.get("@type") == "WebSite" and node.get("name")), "")


def _address(node: Node) -> str:
    main = node.get("mainEntityOfPage")
    if isinstance(main, dict):
        main = main.get("@id") or main.get("url")
    for value in (node.get("url"), main):
        if isinstance(value, str) and value.startswith("http"):
            return value
    return ""


def _truth(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    return None
