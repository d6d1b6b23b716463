"""What each tag of a page means to the scan. A tag is understood once: themes and frameworks repeat theirs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from crawler.extract.evidence import Sign, read_signs

_MAX_KNOWN = 20_000  # tags that are remembered
_MAX_LEARNT = 200  # characters of a tag that is remembered

INLINE = frozenset(
    (
        "a", "abbr", "acronym", "b", "bdi", "bdo", "big", "cite", "code", "data", "del", "dfn", "em", "font",
        "i", "ins", "kbd", "label", "mark", "meter", "nobr", "output", "progress", "q", "rb", "rp", "rt",
        "ruby", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr",
    )
)  # fmt: skip
_VOID = frozenset(
    (
        "area", "base", "basefont", "bgsound", "br", "col", "embed", "frame", "hr", "img", "input", "keygen", "link",
        "meta", "param", "source", "track", "wbr",
    )
)  # fmt: skip
_UNSEEN = frozenset(
    (
        "script", "style", "svg", "iframe", "template", "select", "noembed", "noframes", "xmp", "plaintext", "object",
        "canvas", "audio", "video", "datalist", "dialog", "math",
    )
)  # fmt: skip
_TAG_SIGNS = {
    "nav": Sign.FURNITURE, "footer": Sign.FURNITURE, "button": Sign.FURNITURE, "menu": Sign.FURNITURE,
    "textarea": Sign.FURNITURE, "legend": Sign.FURNITURE, "fieldset": Sign.FURNITURE, "aside": Sign.ASIDE,
    "figcaption": Sign.CAPTION, "time": Sign.DATE, "article": Sign.ARTICLE, "main": Sign.ARTICLE,
    "header": Sign.HEADER, "noscript": Sign.HIDDEN, "address": Sign.BYLINE,
}  # fmt: skip

# What a tag does, as small numbers: an Enum's members cost more to compare than the rest of a step.
INLINE_OPEN: Final = 1  # no block edge, and a name that tells nothing
OPEN: Final = 2
LINK: Final = 3
NOTHING: Final = 4
BREAK: Final = 5
RULE: Final = 6
META: Final = 7
SKIP: Final = 8
TITLE: Final = 9


@dataclass(slots=True)
class Tag:
    """What a tag means. `head` is the tag as written, without its brackets; `signs` is negative until they are read."""

    step: int
    name: str
    signs: int
    head: str

    def read(self) -> int:
        """The signs. Of most tags nobody asks for them, since no text is in the element."""
        if self.signs < 0:
            name, head = self.name, self.head
            self.signs = _TAG_SIGNS.get(name, 0) | (read_signs(head[len(name) :]) if len(head) > len(name) else 0)
        return self.signs


# Links by the hundred, each with another address.
LINK_TAG = Tag(LINK, "a", 0, "a")
VOID_TAG = Tag(NOTHING, "", 0, "")
BODY_TAG = Tag(OPEN, "body", 0, "body")
_PLAIN_INLINE = Tag(INLINE_OPEN, "", 0, "")
_NO_NAME = frozenset("!?")
# Elements whose attributes do not change what is done with them.
ALIKE = {
    **dict.fromkeys((*_VOID, ""), VOID_TAG),  # a comment has no name
    **{name: Tag(SKIP, name, 0, name) for name in _UNSEEN},
    **{name: Tag(META, name, 0, name) for name in ("meta", "base", "link")},
    **{name: Tag(INLINE_OPEN, name, 0, name) for name in ("html", "head", "body")},
    "a": LINK_TAG,
    "br": Tag(BREAK, "br", 0, "br"),
    "hr": Tag(RULE, "hr", 0, "hr"),
    "title": Tag(TITLE, "title", 0, "title"),
}
known: dict[str, Tag] = {}  # by what stands between the brackets


def learn(head: str) -> Tag:
    """What a start tag means that is not in `known`; it is there afterwards if it may come again.

    Those of `ALIKE` need not be asked for, but for a link that may be an author's.
    """
    name = head.partition(" ")[0]
    if name == "a":
        # Of all that a link's names could tell only this is of use.
        signs = read_signs(head[1:]) & Sign.BYLINE
        return Tag(OPEN, name, signs, head) if signs else LINK_TAG
    if name[:1] in _NO_NAME:
        return VOID_TAG
    tag = Tag(OPEN, name, -1, head)
    if name in INLINE and not tag.read():
        tag = _PLAIN_INLINE
    if len(head) <= _MAX_LEARNT:
        if len(known) >= _MAX_KNOWN:
            known.clear()
        known[head] = tag
    return tag
