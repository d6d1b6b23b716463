"""Stories as the pages of each site: its own mark-up, its own furniture, everything escaped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from pathlib import Path
from string import Template

from crawler.demo.stories import Block, Kind, blocks, published
from crawler.model import Article

_TEMPLATES = Path(__file__).parent / "sites"
_INSERT = "<!-- insert -->\n"
_ACROSS = 3  # paragraphs from one piece of furniture inside the text to the next
_RELATED = 5  # links to other stories on a page
_DESCRIPTION = 200  # characters


@dataclass(frozen=True, slots=True)
class Markup:
    """How a site writes the blocks of an article: one template a kind, `{}` for the escaped text."""

    paragraph: str = "<p>{}</p>"
    heading: str = "<h2>{}</h2>"
    caption: str = "<figure><img src='/images/photo.png' alt=''><figcaption>{}</figcaption></figure>"
    signature: str = "<p class='signature'>{}</p>"
    trailer: str = "<p>{}</p>"
    bio: str = ""  # around the paragraphs of the box about the author; empty: they stay in the text
    byline: str = "{}"  # around the names, where there are any
    encoding: str = "utf-8"


MARKUP: Mapping[str, Markup] = {
    "dailyharbor": Markup(
        caption="<figure class='wp-caption aligncenter'><img class='size-large' src='/images/photo.png' alt='' "
        "loading='lazy'><figcaption class='wp-caption-text'>{}</figcaption></figure>",
        heading="<h3>{}</h3>",
        bio="<div class='author-box'><img class='avatar' src='/images/avatar.png' alt=''>{}</div>",
        byline=" <span class='byline'>by <span class='author vcard'><a class='url fn n' href='/author/'>{}</a></span>"
        "</span>",
    ),
    "bulletin24": Markup(
        paragraph="<p class='story__p'>{}</p>",
        caption="<figure class='media'><picture><img src='/images/photo.png' alt=''></picture>"
        "<figcaption class='media__caption'>{}</figcaption></figure>",
        trailer="<p class='story__p story__p--small'>{}</p>",
        bio="<aside class='author-bio'>{}</aside>",
        byline="<span class='story__author'>By <a rel='author' href='/team'>{}</a></span>",
    ),
    "oldtownpost": Markup(
        paragraph="{}<br><br>",
        heading="<b>{}</b><br><br>",
        caption="<table align='right' width='220' cellpadding='4'><tr><td><img src='/images/photo.png' width='210'>"
        "<br><font size='1' face='Verdana'>{}</font></td></tr></table>",
        signature="<i>{}</i><br><br>",
        trailer="{}<br><br>",
        bio="<table bgcolor='#EEEEEE' cellpadding='4'><tr><td>{}</td></tr></table>",
        byline="By {} |",
        encoding="windows-1252",
    ),
    "quickbrief": Markup(
        paragraph="<div class='c19'>{}</div>",
        heading="<div class='c19 c19b'><b>{}</b></div>",
        caption="<div class='c24 pic'><img src='/images/photo.png'><div class='c25'>{}</div></div>",
        signature="<div class='c26'>{}</div>",
        trailer="<div class='c19 c27'>{}</div>",
        bio="<div class='c28 who'>{}</div>",
    ),
    "feedgazette": Markup(),
    "northpress": Markup(),
    "ledgerline": Markup(byline="By <span class='writer'>{}</span>,"),
    "newsroom": Markup(heading="<h6>{}</h6>", trailer="<p class='notice'>{}</p>"),
    "releases": Markup(heading="<p><b>{}</b></p>"),
}

_AUTHOR_BOX = (
    "<div class='author-box'><img class='avatar' src='/images/avatar.png' alt=''><h4>About the author</h4><p>Our desk "
    "has been fishing for stories since 2019. Follow us for more tales of the day.</p><a href='#'>More posts</a></div>"
)


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around a story: its site, addresses and the stories beside it."""

    host: str  # label, such as `northpress`
    home: str  # http://northpress.localhost:8123
    sections: tuple[tuple[str, str], ...]  # name, path
    others: Sequence[Article]  # of the same site, newest first
    canonical: str
    amp: bool = False  # there is an AMP twin
    hyperlinks: tuple[tuple[str, str], ...] = ()  # words of the text → URL they are linked to


def story_page(story: Article, frame: Frame, template: str = "") -> bytes:
    """The page of `story`, in the encoding of its site. `template` other than the site's: its AMP twin."""
    page, *inserts = _template(template or frame.host)
    markup = MARKUP[frame.host]
    values = _values(story, frame)
    values["body"] = body(story.text, markup, frame.hyperlinks, [piece.substitute(values) for piece in inserts])
    text = page.substitute(values)
    return text.encode(markup.encoding, "xmlcharrefreplace")


def front_page(frame: Frame, name: str, feed: str, notices: Sequence[tuple[str, str]] = ()) -> bytes:
    """A section front: links to all stories; `notices` are (path, title) of what else it links to."""
    old = frame.host == "oldtownpost"
    entries = [(_path(story, frame), story.title) for story in frame.others] + list(notices)
    link = "<p><a href='{}'><b>{}</b></a></p>" if old else "<li><h2><a href='{}'>{}</a></h2></li>"
    values = {
        "site": escape(name),
        "home": frame.home,
        "feed": escape(frame.home + feed),
        "nav": _navigation(frame, "<li><a href='{}'>{}</a></li>"),
        "nav_lines": _navigation(frame, "<a href='{}'>{}</a><br>"),
        "headlines": "\n".join(link.format(escape(path), escape(title)) for path, title in entries),
    }
    text = _template("oldtownpost.front" if old else "front")[0].substitute(values)
    return text.encode(MARKUP[frame.host].encoding, "xmlcharrefreplace")


def body(
    text: str,
    markup: Markup,
    hyperlinks: Sequence[tuple[str, str]] = (),
    inserts: Sequence[str] = (),
) -> str:
    """An article's text as HTML, without the box about the author where the site has a place of its own for it."""
    forms = {
        Kind.PARAGRAPH: markup.paragraph,
        Kind.HEADING: markup.heading,
        Kind.CAPTION: markup.caption,
        Kind.SIGNATURE: markup.signature,
        Kind.TRAILER: markup.trailer,
        Kind.BIO_TITLE: markup.heading,
        Kind.BIO: markup.paragraph,
    }
    lines: list[str] = []
    waiting = list(inserts)
    paragraphs = 0
    for block in blocks(text):
        if markup.bio and block.kind in {Kind.BIO_TITLE, Kind.BIO}:
            continue
        lines.append(forms[block.kind].format(_inline(block, hyperlinks)))
        paragraphs += block.kind is Kind.PARAGRAPH
        if waiting and block.kind is Kind.PARAGRAPH and paragraphs % _ACROSS == 2:
            lines.append(waiting.pop(0).rstrip())
    return "\n".join(lines)


def lead(text: str, most: int = _DESCRIPTION) -> str:
    """The first paragraph, cut at a word where it is longer than `most` characters."""
    first = next((block.text for block in blocks(text) if block.kind is Kind.PARAGRAPH), "")
    return first if len(first) <= most else first[:most].rsplit(" ", 1)[0] + " …"


def _values(story: Article, frame: Frame) -> dict[str, str]:
    when = published(story)
    others = [other for other in frame.others if other.id != story.id][:_RELATED]
    links = [(escape(_path(other, frame)), escape(other.title)) for other in others]
    first_url, first_title = links[0] if links else (frame.home, "Front page")
    section, section_path = _section(story, frame)
    markup = MARKUP[frame.host]
    return {
        "title": escape(story.title),
        "url": escape(frame.home + _path(story, frame)),
        "canonical": escape(frame.canonical),
        "home": frame.home,
        "publisher": escape(story.publisher),
        "number": str(100_000 + sum(map(ord, story.id)) * 7),
        "description": escape(lead(story.text)),
        "section": escape(section),
        "section_path": escape(section_path),
        "names": escape(" and ".join(story.byline)),
        "byline": markup.byline.format(escape(", ".join(story.byline))) if story.byline else "",
        "iso": when.strftime("%Y-%m-%dT%H:%M:%S+00:00"),
        "clock": when.strftime("%H:%M"),
        "long_date": f"{when:%B} {when.day}, {when.year}",
        "short_date": f"{when:%b} {when.day}, {when.year}",
        "nav": _navigation(frame, "<li><a href='{}'>{}</a></li>"),
        "nav_lines": _navigation(frame, "<a href='{}'>{}</a><br>"),
        "nav_links": _navigation(frame, "<a class='c4a' href='{}'>{}</a>"),
        "related": "".join(f"<li><a href='{url}'>{title}</a></li>" for url, title in links),
        "related_lines": "".join(f"&#149; <a href='{url}'>{title}</a><br>" for url, title in links),
        "related_divs": "".join(f"<div class='c36'><a href='{url}'>{title}</a></div>" for url, title in links),
        "neighbours": "".join(f"<a rel='prev' href='{url}'>{title}</a>" for url, title in links[-2:]),
        "first_related_url": first_url,
        "first_related_title": first_title,
        "author_box": _author_box(story, markup, frame.host),
        "amp_link": f"<link rel='amphtml' href='{escape(frame.home + _path(story, frame))}?amp=1'>"
        if frame.amp
        else "",
        "json_ld": _json_ld(story, frame),
    }


def _inline(block: Block, hyperlinks: Sequence[tuple[str, str]]) -> str:
    text = escape(block.text, quote=False)
    if block.kind is Kind.TRAILER:
        return " ".join(_mail(word) for word in text.split(" "))
    if block.kind is Kind.CAPTION:
        caption, photo, credit = text.partition("Photo: ")
        return f"{caption}<span class='credit'>{photo}{credit}</span>" if photo else text
    for words, url in hyperlinks:
        marked = escape(words, quote=False)
        text = text.replace(marked, f"<a href='{escape(url)}'>{marked}</a>", 1)
    return text


def _mail(word: str) -> str:
    return f"<a href='mailto:{escape(word)}'>{word}</a>" if "@" in word else word


def _author_box(story: Article, markup: Markup, host: str) -> str:
    inside = "".join(
        f"<h4>{escape(block.text)}</h4>" if block.kind is Kind.BIO_TITLE else f"<p>{escape(block.text)}</p>"
        for block in blocks(story.text)
        if block.kind in {Kind.BIO_TITLE, Kind.BIO}
    )
    if inside and markup.bio:
        return markup.bio.format(inside)
    return _AUTHOR_BOX if host == "dailyharbor" else ""


def _json_ld(story: Article, frame: Frame) -> str:
    when = published(story).strftime("%Y-%m-%dT%H:%M:%SZ")
    table = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "mainEntityOfPage": {"@type": "WebPage", "@id": frame.home + _path(story, frame)},
        "headline": story.title,
        "description": lead(story.text),
        "datePublished": when,
        "dateModified": when,
        "author": [{"@type": "Person", "name": name} for name in story.byline],
        "publisher": {"@type": "NewsMediaOrganization", "name": story.publisher},
        "inLanguage": "en",
        "isAccessibleForFree": True,
    }
    # A title with "</script>" in it must not end the element.
    return json.dumps(table, ensure_ascii=False).replace("<", "\\u003c").replace(">", "\\u003e")


def _section(story: Article, frame: Frame) -> tuple[str, str]:
    """Name and path of the section that a story's path names, or the site's first."""
    path = _path(story, frame)
    for name, section in frame.sections:
        stem = section.strip("/").rsplit("/", 1)[-1].removesuffix(".htm")
        if f"/{stem}/" in path:
            return name, section
    return frame.sections[0]


def _navigation(frame: Frame, form: str) -> str:
    return "\n".join(form.format(escape(path), escape(name)) for name, path in frame.sections)


def _path(story: Article, frame: Frame) -> str:
    return story.url.removeprefix(frame.home)


@cache
def _template(name: str) -> tuple[Template, ...]:
    """A site's page and the furniture that stands inside its text."""
    text = (_TEMPLATES / f"{name}.html").read_text(encoding="utf-8")
    return tuple(Template(piece) for piece in text.split(_INSERT))
