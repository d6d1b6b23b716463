"""The bundled stories, picked by id, and feeds made of them: what the tests of the whole way crawl."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from html import escape

from crawler.demo import stories
from crawler.interchange import time_to_json
from crawler.model import PARAGRAPH_BREAK, Article


@cache
def _by_id() -> dict[str, Article]:
    return {article.id: article for article in stories.Stories.bundled().articles}


def story(identifier: str) -> Article:
    return _by_id()[identifier]


def page_html(article: Article, *, head: str = "") -> str:
    """A plain page with the article in it."""
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in article.text.split(PARAGRAPH_BREAK))
    published = time_to_json(article.published)
    return (
        f"<!doctype html><html lang=en><head><title>{escape(article.title)}</title>"
        f'<meta property="article:published_time" content="{published}">{head}</head><body>'
        f"<nav><a href=/>Home</a> <a href=/about>About</a></nav>"
        f"<article><h1>{escape(article.title)}</h1>{paragraphs}</article><footer>Terms</footer></body></html>"
    )


def feed(items: Sequence[tuple[str, Article]], *, full: bool = False) -> str:
    """RSS 2.0 of (URL, article); with `full` the text is in it."""
    entries = []
    for url, article in items:
        body = "".join(f"<p>{escape(part)}</p>" for part in article.text.split(PARAGRAPH_BREAK))
        content = f"<content:encoded>{escape(body)}</content:encoded>" if full else ""
        published = article.published.strftime("%a, %d %b %Y %H:%M:%S GMT") if article.published else ""
        entries.append(
            f"<item><title>{escape(article.title)}</title><link>{escape(url)}</link>"
            f"<description>{escape(article.text[:300])}</description><pubDate>{published}</pubDate>{content}</item>"
        )
    return (
        '<?xml version="1.0" encoding="utf-8"?><rss version="2.0" '
        'xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel><title>Feed</title>'
        f"<link>https://feed.example/</link><description>x</description>{''.join(entries)}</channel></rss>"
    )
