"""Photo credits that stand as paragraphs of their own, and the captions above them."""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_CREDIT = 110  # characters
_MAX_CAPTION = 320
_AGENCY = re.compile(
    r"\b(?:getty images|afp|reuters|associated press|ap photo|zuma press|zuma|epa|shutterstock|bloomberg news"
    r"|bloomberg|istock|alamy|unsplash|pexels|tass|xinhua"
    r"|anadolu|press association|pa wire|dpa|ansa|efe|sipa|polaris|redux|upi|cover images|nurphoto|imago"
    r"|picture alliance|wikimedia commons|flickr"
    r"|the wall street journal|handout|courtesy)\b",
    re.IGNORECASE,
)
_LABEL = re.compile(
    r"^\W*(?:photo(?:graph)?(?:s| credit| by| courtesy| illustration)?|image(?:s| credit| by)?|credit|picture|pic"
    r"|fot?o|bild)\s*(?::|\bby\b|©)",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?][”\"’')]?(?:\s|$)")
_LOWER_WORD = re.compile(r"(?<!\S)(?![A-ZÀ-ÖØ-Þ])[^\W\d_]\S{3}")
_QUOTED = re.compile(r"[“\"«„]")


def is_credit(text: str) -> bool:
    """Whether a paragraph is only a credit line ("First Last/AFP/Getty Images", "Photo: First Last")."""
    if len(text) > MAX_CREDIT or "\t" in text or text.endswith((".", "?", "!", ":")):
        return False
    if (":" in text or "©" in text or "by" in text.lower()) and _LABEL.match(text):
        return True
    if "/" in text and 2 <= len(text.split("/")) <= 5 and text[:1].isupper() and len(text.split()) <= 12:
        return bool(_AGENCY.search(text)) or all(
            part.strip()[:1].isupper() and len(part.split()) <= 4 for part in text.split("/")
        )
    return text.count(" ") < 7 and not _LOWER_WORD.search(text) and bool(_AGENCY.search(text))


def split_captions(paragraphs: Sequence[str], *, with_above: bool = True) -> tuple[list[str], list[str]]:
    """Story and captions. `with_above`: a credit line takes the paragraph above with it, if one or two short sentences.

    (A saved text has lost the image that stood between story and caption; in mark-up captions have names.)
    """
    kept: list[str] = []
    captions: list[str] = []
    for text in paragraphs:
        if not is_credit(text):
            (captions if _ends_in_credit(text) else kept).append(text)
            continue
        above = kept[-1] if with_above and len(kept) > 1 else ""
        if above and _is_caption(above):
            kept.pop()
            captions.append(f"{above} {text}")
        else:
            captions.append(text)
    return kept, captions


def _ends_in_credit(text: str) -> bool:
    """Whether a caption and its credit are one paragraph ("The port at dawn. First Last/AFP")."""
    if "/" not in text or len(text) > _MAX_CAPTION or text.endswith((".", "?", "!", ":", "”", '"')):
        return False
    ends = list(_SENTENCE_END.finditer(text))
    return 1 <= len(ends) <= 2 and "/" in text[ends[-1].end() :] and is_credit(text[ends[-1].end() :])


def _is_caption(text: str) -> bool:
    return (
        len(text) <= _MAX_CAPTION
        and len(_SENTENCE_END.findall(text)) <= 2
        and not _QUOTED.search(text)
        and len(text) > 12
    )
