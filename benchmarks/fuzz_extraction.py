"""Reads real pages after they were broken in the ways the web and its attackers break them.

    python benchmarks/fuzz_extraction.py PAGES_DIR [--cases 20000] [--seed N] [--only NAME]

PAGES_DIR holds gzipped pages (`html/*.html.gz`); those that extraction.py holds out are left alone. Each case takes one of them, breaks it by one to three of the
mutations below, and reads it. A case fails if reading raises, takes more than a second of CPU time, or gives a field
with a control character or a lone surrogate. Failures are printed with the seed that makes them again (`--seed N
--cases 1`); the exit code is 1 if there were any.
"""

from __future__ import annotations

import argparse
import gzip
import random
import re
import resource
import sys
import time
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.extraction import held_out
from crawler.extract import extract
from crawler.model import Extraction, RawDocument

LIMIT = 1.0  # seconds of CPU time a case may take
MAX_SHOWN = 20
DEEP = 20_000
MANY = 1_000_000
_CHARSETS = (None, None, "utf-8", "utf-16", "windows-1252", "shift_jis", "gb18030", "iso-2022-jp", "koi8-r", "no-such")
_TYPES = ("text/html",) * 6 + ("", "text/plain", "application/xhtml+xml", "application/octet-stream")
_TAGS = (b"div", b"b", b"span", b"ul", b"table", b"font", b"p", b"a", b"svg", b"select", b"nav", b"template", b"math")
_TEXT = b"The harbour board said on Monday that no ship would leave before the ice had gone, as in any other year. "
_TOKEN = re.compile(rb"<[^>]{0,400}>")
_SNIPPETS = (
    b"<!--", b"-->", b"<script>", b"</script>", b"<style>", b"<svg>", b"<plaintext>", b"<textarea>", b"<title>", b"<nav>",
    b"</nav>", b"<ul><li><a href=x>", b"</a></li></ul>", b'"', b"'", b"<", b">", b"&", b"&#0;", b"&#xD800;", b"&#x110000;",
    b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\xc2\x85", b"\x1b[2J", b"\x7f", b"\xe2\x80\xae", b"<![CDATA[", b"]]>", b"<?xml ",
    b'<script type="application/ld+json">', b'<script id="__NEXT_DATA__">', b'{"@type":"NewsArticle","author":',
    b'\\ud800', b"<base href='//[::1'>", b"<meta charset=utf-16>", b"<time datetime='9999-99-99T99:99'>", b"<pre>",
)  # fmt: skip

Mutation = Callable[[bytes, random.Random], bytes]


def truncate(page: bytes, dice: random.Random) -> bytes:
    return page[: dice.randrange(len(page) + 1)]


def behead(page: bytes, dice: random.Random) -> bytes:
    return page[dice.randrange(len(page) + 1) :]


def nest(page: bytes, dice: random.Random) -> bytes:
    """20,000 elements around a part of the page, closed or not."""
    tag = dice.choice(_TAGS)
    start, end = _span(page, dice)
    attributes = b' class="x%d"' % dice.randrange(9) if dice.random() < 0.3 else b""
    closing = b"</" + tag + b">" if dice.random() < 0.5 else b""
    return page[:start] + (b"<" + tag + attributes + b">") * DEEP + page[start:end] + closing * DEEP + page[end:]


def crowd(page: bytes, dice: random.Random) -> bytes:
    """A million siblings, or as many as are fewer than ten million bytes."""
    tag = dice.choice(_TAGS)
    text = dice.choice((b"", b"x", b" ", _TEXT))
    one = b"<%s>%s</%s>" % (tag, text, tag) if dice.random() < 0.6 else b"<%s>%s" % (tag, text)
    at = dice.randrange(len(page) + 1)
    return page[:at] + one * min(MANY, 9_000_000 // len(one)) + page[at:]


def swell(page: bytes, dice: random.Random) -> bytes:
    """Giant attributes, in value, in number, or with what may end a tag inside."""
    at = _tag_end(page, dice)
    kind = dice.randrange(5)
    if kind == 0:
        added = b' data-x="' + b"x" * dice.randrange(100_000, 5_000_000) + b'"'
    elif kind == 1:
        added = b"".join(b" a%d=%d" % (n, n) for n in range(dice.randrange(1_000, 100_000)))
    elif kind == 2:
        added = b' class="' + b" ".join(b"article-%d" % n for n in range(dice.randrange(1_000, 200_000))) + b'"'
    elif kind == 3:
        added = b" data-x='" + b'<p>">' * dice.randrange(1_000, 200_000)
    else:
        added = b' title="' + b"<script>" * dice.randrange(1_000, 100_000)
    return page[:at] + added + page[at:]


def sprinkle(page: bytes, dice: random.Random) -> bytes:
    """Bytes that are mark-up, controls or broken characters, where they do not belong."""
    out = bytearray(page)
    for _ in range(dice.choice((1, 3, 30, 300))):
        at = dice.randrange(len(out) + 1)
        out[at:at] = dice.choice(_SNIPPETS)
    return bytes(out)


def corrupt(page: bytes, dice: random.Random) -> bytes:
    out = bytearray(page)
    for _ in range(dice.choice((1, 10, 1_000))):
        out[dice.randrange(len(out))] = dice.randrange(256)
    return bytes(out)


def null(page: bytes, dice: random.Random) -> bytes:
    return page.replace(dice.choice((b" ", b">", b"e", b"\n", b"<")), b"\x00" * dice.randrange(1, 4))


def surrogates(page: bytes, dice: random.Random) -> bytes:
    """Lone surrogates: as bytes, as references, as JSON escapes."""
    mark = dice.choice((b"\xed\xa0\xbd", b"&#xD83D;", b"\\ud83d", b"\xed\xb2\x80"))
    return page.replace(dice.choice((b"a", b". ", b"the ")), mark + b"a")


def encode(page: bytes, dice: random.Random) -> bytes:
    """Another encoding than the one it claims, or twice the same."""
    text = page.decode("utf-8", "replace")
    kind = dice.randrange(6)
    if kind == 0:
        return page.decode("latin-1").encode()
    if kind == 1:
        return text.encode(dice.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-7")), "replace")
    if kind == 2:
        return text.encode(dice.choice(("cp1251", "shift_jis", "gb18030", "big5", "iso2022_jp", "cp037")), "replace")
    if kind == 3:
        half = len(page) // 2
        return page[:half] + page[half:].decode("latin-1").encode("utf-16-le")
    if kind == 4:
        return b"\xff\xfe" + page
    return gzip.compress(page, 1)


def disguise(page: bytes, dice: random.Random) -> bytes:
    """Scripts that look like text, and texts that look like scripts or JSON."""
    start, end = _span(page, dice)
    tag = dice.choice((b"script", b"style", b"noscript", b"xmp", b"textarea", b"title", b"iframe", b"template"))
    story = b"<p>" + _TEXT * dice.randrange(1, 40) + b"</p>"
    kind = dice.randrange(4)
    if kind == 0:
        added = b"<" + tag + b">" + story * 20 + (b"</" + tag + b">" if dice.random() < 0.7 else b"")
    elif kind == 1:
        added = b"<" + tag + b">" + page[start:end]
    elif kind == 2:
        nested = dice.choice((b"[", b'{"a":', b'{"@graph":[', b'[{"articleBody":"' + _TEXT + b'"},'))
        added = b'<script type="application/ld+json">' + nested * dice.randrange(100, DEEP) + b"</script>"
    else:
        values = b",".join([b'"' + _TEXT + b'"'] * dice.randrange(10, 20_000))
        added = b'<script id="__NEXT_DATA__" type="application/json">{"content":[' + values + b"]}</script>"
    return page[:start] + added + page[start:]


def repeat(page: bytes, dice: random.Random) -> bytes:
    """A part of the page many times over."""
    start, end = _span(page, dice)
    part = page[start : min(end, start + dice.choice((20, 200, 20_000)))]
    return page[:start] + part * min(200_000, 4_000_000 // max(len(part), 1)) + page[end:]


def drop_tags(page: bytes, dice: random.Random) -> bytes:
    share = dice.choice((0.05, 0.3, 0.9))
    return _TOKEN.sub(lambda match: b"" if dice.random() < share else match[0], page)


def shuffle(page: bytes, dice: random.Random) -> bytes:
    parts = re.split(rb"(?=<)", page)
    dice.shuffle(parts)
    return b"".join(parts)


# Cheap ones come more often: 20,000 cases are to be done in an hour of one core.
MUTATIONS: dict[Mutation, int] = {
    truncate: 10, behead: 6, sprinkle: 14, corrupt: 10, null: 6, surrogates: 6, encode: 10, disguise: 10, drop_tags: 8,
    shuffle: 4, repeat: 3, swell: 4, nest: 4, crowd: 1,
}  # fmt: skip


def _span(page: bytes, dice: random.Random) -> tuple[int, int]:
    start, end = sorted((dice.randrange(len(page) + 1), dice.randrange(len(page) + 1)))
    return start, end


def _tag_end(page: bytes, dice: random.Random) -> int:
    at = page.find(b">", dice.randrange(len(page) + 1))
    return at if at >= 0 else len(page)


def case(pages: list[tuple[str, bytes]], seed: int, only: str | None) -> tuple[str, RawDocument]:
    """The case of a seed: its description and the document."""
    dice = random.Random(seed)
    name, page = dice.choice(pages)
    done = []
    for _ in range(dice.choice((1, 1, 2, 3))):
        mutation = dice.choices(list(MUTATIONS), list(MUTATIONS.values()))[0]
        if only:
            mutation = next(known for known in MUTATIONS if known.__name__ == only)
        if page and len(page) < 10_000_000:
            page = mutation(page, dice)
            done.append(mutation.__name__)
    document = RawDocument(f"https://news.example/{name}", page or b" ", dice.choice(_TYPES), dice.choice(_CHARSETS))
    return f"{name} {'+'.join(done)} {len(page)} bytes {document.media_type!r} {document.charset}", document


def complaint(found: Extraction, seconds: float) -> str:
    """What is wrong with a reading, "" if nothing."""
    if seconds > LIMIT:
        return f"took {seconds:.2f} s"
    for field, text in _strings(found):
        if not text.isprintable() and (bad := {c for c in text if _is_bad(c)}):
            return f"{field} holds {sorted(bad)!r:.60}"
    return ""


def _strings(found: Extraction) -> Iterator[tuple[str, str]]:
    for field in fields(found):
        value = getattr(found, field.name)
        for item in value if isinstance(value, tuple) else (value,):
            if isinstance(item, str):
                yield field.name, item


def _is_bad(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in {"Cc", "Cs"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pages", type=Path)
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1, help="of the first case; the next ones follow")
    parser.add_argument("--only", choices=sorted(known.__name__ for known in MUTATIONS), help="this mutation alone")
    options = parser.parse_args()
    files = sorted((options.pages / "html").glob("*.html.gz"))
    pages = [
        (path.name.partition(".")[0], gzip.decompress(path.read_bytes()))
        for path in files
        if not held_out(f"html/{path.name}")
    ]
    failures = 0
    slowest = 0.0
    verdicts: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.cases):
        described, document = case(pages, seed, options.only)
        start = time.process_time()
        try:
            found = extract(document)
            trouble = complaint(found, spent := time.process_time() - start)
            verdicts[found.verdict.value] += 1
            slowest = max(slowest, spent)
        except Exception as error:  # noqa: BLE001 -- any at all is a finding
            trouble = f"{error!r:.200}"
        if trouble:
            failures += 1
            if failures <= MAX_SHOWN:
                print(f"--seed {seed}: {described}: {trouble}", flush=True)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{options.cases} cases, {failures} failures, slowest {slowest:.2f} s of CPU, peak memory {peak} MB,"
        f" {dict(verdicts.most_common())}"
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
