"""Draws docs/explanation/alignment.svg: `python -m docs.generator.alignment`.

A rewrite of the demo's corpus and its original as two bars, the passages that the linker found joined between them,
at their true character offsets.
"""

from __future__ import annotations

from html import escape
from pathlib import Path

from crawler.demo.stories import Stories
from crawler.link import Linker
from crawler.model import Article, Evidence, EvidenceKind, Link
from crawler.settings import LinkSettings

PICTURE = Path(__file__).resolve().parents[1] / "explanation" / "alignment.svg"
PAGE, ORIGINAL = "ferry-spun", "ferry-original"
WIDTH, LEFT, SPAN = 860, 30, 800
TOP, BOTTOM, HEIGHT = 64, 190, 18
QUOTED = 116  # characters

_STYLE = (
    ".card{fill:#fff;stroke:#c9d3dd}.t{font-size:13px;font-weight:600;fill:#16324f}.s{font-size:11px;fill:#44535f}"
    ".bar{fill:#dfe7ef}.p{fill:#3b6ea5}.o{fill:#b9862f}.r{fill:#6f9a5b}.hot{fill:#c2483d}"
    "@media(prefers-color-scheme:dark){.card{fill:#1b222a;stroke:#3b4854}.t{fill:#e8f1fa}.s{fill:#b7c7d6}"
    ".bar{fill:#33404d}.p{fill:#7fb0e0}.o{fill:#e0b866}.r{fill:#8fbf79}.hot{fill:#ef8075}}"
)


def main() -> None:
    articles = {article.id: article for article in Stories.bundled().articles}
    page, original = articles[PAGE], articles[ORIGINAL]
    link = Linker(LinkSettings()).decide(page, [original]).link
    if link is None:
        raise SystemExit(f"{PAGE} is not linked to {ORIGINAL}: draw another pair")
    PICTURE.write_text(_picture(page, original, link), encoding="utf-8")


def _picture(page: Article, original: Article, link: Link) -> str:
    passages = [one for one in link.evidence if one.kind is EvidenceKind.PASSAGE]
    shown = max(passages, key=lambda one: (one.similarity or 0) * min(160, _at(one)[1] - _at(one)[0]))
    rows = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} 322" role="img" '
        'aria-label="Passages of a rewrite joined to those of its original, in the same order" '
        'font-family="system-ui, sans-serif">',
        f"<style>{_STYLE}</style>",
        f'<rect class="card" x="1" y="1" width="{WIDTH - 2}" height="320" rx="10"/>',
        _title(TOP - 34, f"The page: {page.title}", f"{len(page.text):,} characters of text"),
        _title(BOTTOM + HEIGHT + 21, f"The original: {original.title}", f"{len(original.text):,} characters of text"),
        f'<rect class="bar" x="{LEFT}" y="{TOP}" width="{SPAN}" height="{HEIGHT}" rx="3"/>',
        f'<rect class="bar" x="{LEFT}" y="{BOTTOM}" width="{SPAN}" height="{HEIGHT}" rx="3"/>',
        *(_ribbon(one, page, original, hot=one is shown) for one in passages),
        *_example(shown, page, original),
        "</svg>\n",
    ]
    return "\n".join(rows)


def _title(y: int, text: str, aside: str) -> str:
    return (
        f'<text class="t" x="{LEFT}" y="{y}">{escape(_cut(text, 100))}</text>'
        f'<text class="s" x="{LEFT}" y="{y + 17}">{escape(aside)}</text>'
    )


def _ribbon(piece: Evidence, page: Article, original: Article, *, hot: bool) -> str:
    """Both ends of a passage and the band between them, the denser the more alike."""
    a, b = (LEFT + SPAN * place / len(page.text) for place in _at(piece))
    c, d = (LEFT + SPAN * place / len(original.text) for place in piece.original or (0, 0))
    low, opacity = TOP + HEIGHT, 0.15 + 0.6 * (piece.similarity or 0)
    return (
        f'<path class="{"hot" if hot else "r"}" opacity="{opacity:.2f}" '
        f'd="M{a:.1f},{low}L{b:.1f},{low}L{d:.1f},{BOTTOM}L{c:.1f},{BOTTOM}Z"/>'
        f'<rect class="{"hot" if hot else "p"}" x="{a:.1f}" y="{TOP}" width="{b - a:.1f}" height="{HEIGHT}"/>'
        f'<rect class="{"hot" if hot else "o"}" x="{c:.1f}" y="{BOTTOM}" width="{d - c:.1f}" height="{HEIGHT}"/>'
    )


def _example(piece: Evidence, page: Article, original: Article) -> list[str]:
    lines = []
    for y, article, span in ((276, page, _at(piece)), (300, original, piece.original or (0, 0))):
        quoted = _cut(" ".join(article.text[slice(*span)].split()), QUOTED)
        lines.append(f'<text class="s" x="{LEFT}" y="{y}">[{span[0]}, {span[1]}]  {escape(quoted)}</text>')
    mark = f'<rect class="hot" x="{LEFT - 10}" y="264" width="4" height="40"/>'
    return [mark, *lines]


def _at(piece: Evidence) -> tuple[int, int]:
    return piece.rewrite or (0, 0)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


if __name__ == "__main__":
    main()
