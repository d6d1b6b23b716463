"""Invented pages in the mark-up that themes and newsrooms really use. One story, told in each of them."""

from __future__ import annotations

import json

URL = "https://news.example/2026/03/14/harbour-ferries"
TITLE = "Harbour Operator Cuts Winter Ferries"
PARAGRAPHS = (
    "LINDHAVEN — The harbour operator Marrow Lines said on Tuesday it would cut a fifth of its "
    "winter sailings, blaming a "
    "shortage of marine engineers that has kept two ships in port since October.",
    "The decision affects about 14,000 commuters on the northern islands, who have no other way to reach the city "
    "before nine in the morning, according to the regional transport office.",
    "“We can repair a ship in a week, but we cannot train an engineer in a year,” said Ottoline Brack, chief executive "
    "of Marrow Lines, at a meeting with residents in the town hall.",
    "Shares of the company fell 3.2% in afternoon trading. Analysts at Velden Bank expect a loss of 11 million crowns "
    "for the quarter, twice as much as they had forecast in January.",
    "The ministry plans to decide in April whether the operator keeps its licence for the route, which the state has "
    "subsidised since 1998.",
)
TEXT = "\n\n".join(PARAGRAPHS)
NAVIGATION = """
<header class="site-header"><a href="/">The Lindhaven Courier</a>
<nav><ul><li><a href="/world">World</a></li>
<li><a href="/money">Money</a></li><li><a href="/sport">Sport</a></li></ul></nav>
</header>"""
FURNITURE = """
<div class="sharedaddy"><a href="https://share.example/?u=1">Share on Chirper</a> <a href="#">Print this page</a></div>
<div class="newsletter-signup"><p>Get the morning briefing in your inbox every weekday before breakfast,
free of charge.</p>
<form><input name="mail"><button>Sign me up</button></form></div>
<div class="author-bio"><p>Petra Lund has reported on shipping and trade for the Courier since 2011.
She lives in Lindhaven.</p></div>
<section class="related-posts"><h3>Related stories</h3><ul><li><a href="/a">Bridge toll to rise in May</a></li>
<li><a href="/b">Island school gets a new roof after the storm</a></li></ul></section>
<div id="comments"><h3>2 comments</h3><div class="comment"><p>I have taken this ferry for thirty years and it was never
on time, not even in summer, so what does it matter now?</p></div></div>"""
FOOTER = """<footer><p>© 2026 Lindhaven Courier. All rights reserved.</p><a href="/privacy">Privacy</a></footer>
<div class="cookie-banner"><p>We use cookies to understand how you read our pages
and to show you fitting advertising.</p></div>"""


def paragraphs(*texts: str) -> str:
    return "\n".join(f"<p>{text}</p>" for text in texts)


def page(body: str, head: str = "", *, title: str = f"{TITLE} | The Lindhaven Courier", language: str = "en") -> str:
    return (
        f'<!DOCTYPE html><html lang="{language}"><head><meta charset="utf-8"><title>{title}</title>{head}</head>'
        f"<body>{NAVIGATION}{body}{FOOTER}</body></html>"
    )


def json_ld(**fields: object) -> str:
    node = {"@context": "https://schema.org", "@type": "NewsArticle", **fields}
    return f'<script type="application/ld+json">{json.dumps(node)}</script>'


def blog_theme() -> str:
    return page(
        f'<main><article class="post hentry"><h1 class="entry-title">{TITLE}</h1>'
        '<div class="entry-meta">By <a rel="author" href="/author/petra">Petra Lund</a> '
        '<time datetime="2026-03-14T08:30:00+01:00">March 14, 2026</time></div>'
        f'<div class="entry-content">{paragraphs(*PARAGRAPHS)}</div>{FURNITURE}</article></main>'
    )


def json_ld_news() -> str:
    head = json_ld(
        headline=TITLE,
        author=[{"@type": "Person", "name": "Petra Lund"}, {"@type": "Person", "name": "Jonas Weir"}],
        datePublished="2026-03-14T08:30:00+01:00",
        dateModified="2026-03-14T11:00:00+01:00",
        publisher={"@type": "Organization", "name": "The Lindhaven Courier"},
        articleSection="Money",
    )
    body = "".join(f'<div class="css-{n}x"><p class="css-9k">{text}</p></div>' for n, text in enumerate(PARAGRAPHS))
    return page(f'<div id="app"><div><h1 class="css-1">{TITLE}</h1>{body}{FURNITURE}</div></div>', head)


def table_layout() -> str:
    text = "<br><br>\n".join(PARAGRAPHS)
    return page(
        "<table width=100%><tr><td class=menu width=150><a href=/a>Front page</a><br><a href=/b>Archive</a><br>"
        f"<a href=/c>Contact</a></td><td><font size=5><b>{TITLE}</b></font><br><br>{text}</td></tr></table>"
    )


def div_soup() -> str:
    advert = '<div class="ad-slot"><div>Advertisement</div><a href="https://ads.example/x">Buy a boat today</a></div>'
    body = advert.join(f"<div>{text}</div>" for text in PARAGRAPHS)
    return page(f"<div><div><h1>{TITLE}</h1></div><div>{body}</div></div>{FURNITURE}")


def amp() -> str:
    return (
        f'<!doctype html><html ⚡ lang="en"><head><title>{TITLE}</title><link rel="canonical" href="{URL}">'
        '<script async src="https://cdn.example/v0.js"></script></head><body>'
        f'<amp-sidebar id="sidebar"><ul><li><a href="/world">World</a></li></ul></amp-sidebar><article><h1>{TITLE}</h1>'
        f'<amp-img src="x.jpg" width=1 height=1></amp-img>{paragraphs(*PARAGRAPHS)}</article>'
        '<amp-list src="/related.json"><div>Loading</div></amp-list></body></html>'
    )


def microdata() -> str:
    return page(
        '<div itemscope itemtype="https://schema.org/NewsArticle">'
        f'<h1 itemprop="headline">{TITLE}</h1><meta itemprop="datePublished" content="2026-03-14T08:30:00+01:00">'
        '<span itemprop="author" itemscope><span itemprop="name">Petra Lund</span></span>'
        f'<div itemprop="articleBody">{paragraphs(*PARAGRAPHS)}</div></div>{FURNITURE}'
    )


def only_in_json_ld() -> str:
    head = json_ld(headline=TITLE, articleBody=TEXT, datePublished="2026-03-14")
    return page(f"<h1>{TITLE}</h1><p>Loading the story …</p>", head)


def only_in_state() -> str:
    blocks = [{"type": "paragraph", "text": text} for text in PARAGRAPHS]
    state = {"props": {"pageProps": {"menu": ["World", "Money"], "story": {"title": TITLE, "content": blocks}}}}
    return page(
        f'<div id="__next"></div><script id="__NEXT_DATA__" type="application/json">{json.dumps(state)}</script>'
    )


def _without_text(script: str) -> str:
    return f'<!DOCTYPE html><title>{TITLE}</title><body><div id="root">Loading …</div><script>{script}</script></body>'


def in_an_assigned_state() -> str:
    state = {"page": {"headline": TITLE, "body": list(PARAGRAPHS)}, "menu": ["World", "Money"]}
    return _without_text(f"window.__INITIAL_STATE__ = {json.dumps(state)}; start();")


def in_a_parsed_state() -> str:
    state = json.dumps({"story": {"html": paragraphs(*PARAGRAPHS)}})
    return _without_text(f"const state = JSON.parse({json.dumps(state)});".replace("</", r"<\/"))


def in_pushed_rows() -> str:
    rows = f'3:["$","h1",null,{{"children":{json.dumps(TITLE)}}}]\n4:{json.dumps({"content": list(PARAGRAPHS)})}\n'
    half = len(rows) // 2
    pushes = "".join(f"self.__next_f.push([1,{json.dumps(part)}]);" for part in (rows[:half], rows[half:]))
    return _without_text(pushes)


MARKUPS = {
    "blog theme": blog_theme,
    "JSON-LD news site": json_ld_news,
    "table layout": table_layout,
    "div soup": div_soup,
    "AMP": amp,
    "microdata": microdata,
    "JSON-LD only": only_in_json_ld,
    "assigned by a script": in_an_assigned_state,
    "parsed by a script": in_a_parsed_state,
    "pushed by a server": in_pushed_rows,
    "script state only": only_in_state,
}
