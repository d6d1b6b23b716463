"""What the names of an element (tag, class, id, role, itemprop) tell of its content.

Authors of themes all over the web use the same few hundred words. Each is looked up by itself and together with
the word before it ("author bio", "post body"); no list knows any site.
"""

from __future__ import annotations

import re


class Sign:
    """Evidence on an element, as bits of an int (an IntFlag costs more than all the rest of the scan).

    FURNITURE: its content is no part of an article unless it is most of the page.
    """

    NONE = 0
    FURNITURE = 1
    BODY = 2  # named as the body of an article
    ARTICLE = 4  # holds an article and what belongs to it
    CAPTION = 8
    BYLINE = 16
    DATE = 32
    HIDDEN = 64
    COMMENT = 128  # what readers wrote: never article, however long it is
    TEASER = 256  # a card that leads to another page
    PAYWALL = 512
    CONSENT = 1024
    TITLE = 2048
    BIO = 4096
    HEADER = 8192
    ASIDE = 16384


# Single words, and pairs of neighbouring words, by what they tell.
_WORDS = {
    "FURNITURE": """
        nav navbar navigation menu submenu megamenu breadcrumb breadcrumbs crumbs share sharing sharebar
        sharedaddy sharethis addtoany addthis social socials socialmedia related recommended recommendations
        recommend newsletter newsletters subscribe subscription signup optin cookie cookies gdpr popup modal
        lightbox overlay sidebar advert adverts advertisement advertising adsense ads ad adslot dfp gpt
        sponsored taboola outbrain revcontent pagination pager paginator toolbar tagcloud login signin skiplink
        screenreader noprint donotprint promo promos promotion banner masthead colophon ticker breaking footer
        toc searchform tags taglist hashtags keywords trending popular mostread mostviewed upnext morestories
        moreposts toolbox tooltip likes reactions poll quiz disclaimer disclosure affiliate mailchimp hubspot
        prevnext postnav siblings printfriendly feedback
    """,
    "COMMENT": """
        comments commentlist comment disqus respond livefyre replies commenting
    """,
    "CAPTION": """
        caption figcaption captiontext imagecaption photocaption credit credits photocredit wpcaption
    """,
    "DATE": """
        date datetime timestamp pubdate published updated posted datepublished datemodified publishdate time
        dateline
    """,
    "BYLINE": """
        byline author authors writer contributor reporter vcard
    """,
    "HIDDEN": """
        hide invisible collapsed
    """,
    "TEASER": """
        teaser teasers card cards
    """,
    "PAYWALL": """
        paywall regwall piano
    """,
    "CONSENT": """
        consent onetrust cookiebot didomi usercentrics
    """,
    "TITLE": """
        headline title
    """,
    "ARTICLE": """
        article story hentry blogpost
    """,
    "ASIDE": """
        aside sidenote infobox factbox inset pullquote
    """,
    "BODY": """
        articlebody articletext articlecontent entrycontent postcontent storybody postbody storycontent richtext
    """,
}
_PAIRS = {
    "FURNITURE": """
        read next|read also|also read|also like|you may|may also|more from|more stories|more news|more articles
        latest news|latest posts|recent posts|recent articles|next post|previous post|prev post|post navigation
        nav links|post tags|entry tags|tag list|tag links|cat links|entry footer|post footer|article footer
        article tags|author box|author bio|author info|about author|author card|author profile
        author description|post meta|entry meta|article meta|meta info|byline meta|post info|top bar|bottom bar
        side bar|call action|cta box|email form|search form|site header|site footer|page header|page footer
        skip link|screen reader|sr only|visually hidden|widget area|back top|table contents|ez toc
        lwptoc container|in article|follow us|print only|no print|post share|article share|article tools
        reading time|read time|post views|view count|latest stories|latest articles|top stories|popular posts
        similar posts|similar articles|other articles|featured posts|suggested articles|post ratings
        contact form|lead form|post list|posts list|news list|article list|card list|posts grid|blog list
    """,
    "BODY": """
        article body|article content|article text|post body|post content|post text|entry content|entry body
        entry text|story body|story content|story text|content body|body content|body copy|body text|news body
        news content|news text|main text|rich text|blog content|blog body|blog post|article main|page content
        text content|td post|single content|post entry|article copy|story copy|detail content|article detail
        content article|storybody content|blogpost content
    """,
    "CAPTION": """
        caption text|image caption|photo caption|wp caption|img caption|picture caption|photo credit
        image credit|media caption|figure caption
    """,
    "DATE": """
        post date|entry date|publish date|published date|pub date|article date|date published|publication date
        posted on
    """,
    "BYLINE": """
        author name|by line|post author|entry author|article author|written by|posted by|story author
        author link
    """,
    "BIO": """
        author box|author bio|author info|about author|author card|author profile|author description|about the
    """,
    "TEASER": """
        post teaser|article teaser|post card|article card|story card|news card|blog card|post item|card title
        post preview|teaser text
    """,
    "PAYWALL": """
        subscription wall|pay wall|reg wall|premium content|subscriber only|subscribers only|meter wall
        piano offer
    """,
    "CONSENT": """
        cookie consent|cookie notice|cookie banner|cookie law|consent wall|privacy wall
    """,
    "TITLE": """
        entry title|post title|article title|story title|page title|article headline|post headline|news title
        blog title
    """,
}

_LOOKUP: dict[str, int] = {}
for _name, _words in _WORDS.items():
    for _word in _words.split():
        _LOOKUP[_word] = _LOOKUP.get(_word, 0) | getattr(Sign, _name)
for _name, _listed in _PAIRS.items():
    for _line in _listed.strip().split("\n"):
        for _pair in _line.strip().split("|"):
            _LOOKUP[_pair] = _LOOKUP.get(_pair, 0) | getattr(Sign, _name)

_VOCABULARY = frozenset(word for entry in _LOOKUP for word in entry.split())

# Not the letters between the digits of a hash ("component_bbc4ad583c" is no advertisement).
_ODD = re.compile(r"[^a-z_-]")
_LOWER = re.compile(r"(?<![a-z0-9])[a-z]++(?=\d*(?![a-z0-9]))")
_TOKEN = re.compile(r"[A-Z]?[a-z]+|[A-Z]{2,}(?![a-z])")
_KNOWN: dict[str, int] = {}  # name → signs; themes and frameworks share their names
_MAX_KNOWN = 50_000
_DIGITS = "0123456789"
_MAX_NAME = 300  # characters; utility-first style sheets write novels into `class`
_NAMING = frozenset((" class=", " id=", " data-testid=", " data-component=", " rel="))
_TELLING = frozenset((" style=", " itemprop=", " role=", " hidden=", " aria-hidden="))
_HIDING = re.compile(r"display:\s?none|visibility:\s?hidden")
_ROLES = {
    "navigation": Sign.FURNITURE, "banner": Sign.FURNITURE, "contentinfo": Sign.FURNITURE, "search": Sign.FURNITURE,
    "dialog": Sign.FURNITURE, "alertdialog": Sign.FURNITURE, "complementary": Sign.ASIDE, "menu": Sign.FURNITURE,
    "menubar": Sign.FURNITURE, "tablist": Sign.FURNITURE, "alert": Sign.FURNITURE, "button": Sign.FURNITURE,
    "toolbar": Sign.FURNITURE, "article": Sign.ARTICLE, "main": Sign.ARTICLE,
}  # fmt: skip
_PROPERTIES = {
    "articlebody": Sign.BODY, "author": Sign.BYLINE, "datepublished": Sign.DATE, "datemodified": Sign.DATE,
    "headline": Sign.TITLE, "comment": Sign.COMMENT, "text": Sign.NONE,
}  # fmt: skip


def read_signs(attributes: str) -> int:
    """The signs in an element's attributes, spelled as Lexbor writes them (` class="…" id="…"`)."""
    pieces = attributes.split('"')
    if len(pieces) == 3 and pieces[0] == " class=":  # most have no other
        return _of_names(pieces[1])
    signs = Sign.NONE
    pairs = iter(pieces)
    for name, value in zip(pairs, pairs, strict=False):
        if name in _NAMING:
            signs |= _of_names(value)
        elif name in _TELLING:
            signs |= _of_attribute(name, value)
    return signs


def _of_attribute(name: str, value: str) -> int:
    if name == " style=":
        return Sign.HIDDEN if _HIDING.search(value) else Sign.NONE
    if name == " itemprop=":
        return _PROPERTIES.get(value.lower(), Sign.NONE)
    if name == " role=":
        return _ROLES.get(value.lower(), Sign.NONE)
    return Sign.HIDDEN if name == " hidden=" or value == "true" else Sign.NONE


def _of_names(value: str) -> int:
    """The signs of each name in a class or id attribute."""
    signs = _KNOWN.get(value)
    if signs is not None:
        return signs
    signs = 0
    for name in value[:_MAX_NAME].split():
        known = _KNOWN.get(name)
        if known is None:
            # Systems number their entries ("menu-item-4114").
            bare = name.rstrip(_DIGITS)
            known = _KNOWN.get(bare)
            if known is None:
                if len(_KNOWN) >= _MAX_KNOWN:
                    _KNOWN.clear()
                known = _KNOWN[bare] = _of_name(bare)
        signs |= known
    return signs


def _of_name(name: str) -> int:
    # A theme's names are nearly all in lower case, and hardly one of their words is in the lists.
    if not _ODD.search(name):
        words = name.replace("_", " ").replace("-", " ").split()
    else:
        words = _LOWER.findall(name) if name.islower() else [word.lower() for word in _TOKEN.findall(name)]
    if _VOCABULARY.isdisjoint(words):
        return 0
    signs = 0
    before = ""
    for word in words:
        signs |= _LOOKUP.get(word, 0) | _LOOKUP.get(before + word, 0)
        before = word + " "
    return signs
