"""What lists of links are filtered by and sites are ranked by, kept with each link. Pure: no database."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from crawler.model import Article


def columns(page: Article, original: Article) -> dict[str, Any]:
    """`site`, `publisher` and `lag` of a link. The lag goes by our own clock on the page's side: pages lie."""
    seen, then = page.first_seen, original.published or original.first_seen
    lag = (seen - then).total_seconds() if seen is not None and then is not None else None
    return {"site": site_of(page.url), "publisher": original.publisher, "lag": lag}


def site_of(url: str) -> str:
    """The host by which a site is known; "" where the URL has none."""
    try:
        return (urlsplit(url).hostname or "").removeprefix("www.")
    except ValueError:
        return ""
