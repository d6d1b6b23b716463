"""Bytes to text, as browsers read them: what charset a body is in, whoever says otherwise. Pure, never raises.

Labels mean what the WHATWG Encoding standard says (https://encoding.spec.whatwg.org/#names-and-labels): a page
that calls itself iso-8859-1 or gb2312 is read as windows-1252 or gb18030.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

from charset_normalizer import from_bytes

DECLARED_WITHIN = 4_096  # bytes in which a meta element or XML declaration is looked for
FALLBACK = "cp1252"
_SAMPLE = 4_096  # bytes of text with non-ASCII characters that detection reads; more cost time and change nothing
_SEARCHED = 400_000  # bytes in which that text is looked for
_FEW = 8  # non-ASCII sequences; so few can be valid UTF-8 by chance
_FOREIGN_SHARE = 0.25  # of letters outside ASCII, from which a text is in no Latin script

# Python's codec for a label, by Python's name of what the label says.
_READ_AS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "euc_kr": "cp949",
    "cp949": "cp949",
    "big5": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "euc_jp": "euc_jp",
    "iso2022_jp": "iso2022_jp",
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf-16": "utf-16-le",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
    "cp866": "cp866",
    "mac-roman": "mac-roman",
    "mac-cyrillic": "mac-cyrillic",
    **{f"iso8859-{part}": f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)},
    **{f"cp125{part}": f"cp125{part}" for part in range(9)},
    "cp874": "cp874",
}
# Labels of the standard, and misspellings met, that Python does not know.
_LABELS = {
    "unicode": "utf-16",
    "unicode-1-1-utf-8": "utf-8",
    "utf8mb4": "utf-8",
    "iso-8859-8-i": "iso8859-8",
    "iso-8859-8-e": "iso8859-8",
    "logical": "iso8859-8",
    "visual": "iso8859-8",
    "dos-874": "cp874",
    "windows-874": "cp874",
    "windows-949": "cp949",
    "windows-31j": "cp932",
    "cn-big5": "big5",
    "gb_2312-80": "gb2312",
    "euckr": "euc_kr",
    "macintosh": "mac-roman",
}
_MULTIBYTE = frozenset({"gb18030", "cp932", "cp949", "big5hkscs", "euc_jp", "iso2022_jp"})
_UTF16 = frozenset({"utf-16-le", "utf-16-be"})
_DETECTABLE = [
    "cp1252", "cp1251", "koi8_r", "cp1253", "cp1255", "cp1256", "cp874",
    "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
]  # fmt: skip

_META = re.compile(rb"""<meta\s[^>]{0,400}?charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]{1,40})""", re.IGNORECASE)
_XML = re.compile(rb"""^\s{0,100}<\?xml\s[^>]{0,200}?encoding\s*=\s*["']\s*([A-Za-z0-9_.:-]{1,40})""")
_FOREIGN_TEXT = re.compile(rb"[\x80-\xff][^<>]{0,1000}")
_BEFORE = 300  # bytes of text before the first non-ASCII character that are read with it
_SEQUENCE = re.compile(rb"[\xc2-\xf4][\x80-\xbf]+")


def decode(body: bytes, header_charset: str | None = None, *, is_html: bool = True) -> str:
    """The text of `body`, without byte order mark and without lone surrogates; what fits no character is U+FFFD.

    `header_charset` is what the transport said; with `is_html` a declaration in the document (HTML's meta or
    XML's) is heard, too.
    """
    codec = detect(body, header_charset, is_html=is_html)
    text = body.decode(codec, "replace").removeprefix("\ufeff")
    if codec in _MULTIBYTE or codec in _UTF16:
        try:
            text.encode()
        except UnicodeEncodeError:
            return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text


def detect(body: bytes, header_charset: str | None = None, *, is_html: bool = True) -> str:
    """The Python codec that `body` is to be read with.

    In order: a byte order mark; UTF-8 where the body is that, since nothing else is by chance; the header; the
    document's declaration; detection; windows-1252.
    """
    if marked := _marked(body):
        return marked
    declared = [codec_of(header_charset)] if header_charset else []
    if is_html:
        declared.append(_declaration(body))
    said = next((codec for codec in declared if codec), None)
    if said in _UTF16 or (is_html and body[:4] in {b"<\0?\0", b"\0<\0?"}):
        if wide := _wide(body):
            return wide
        said = next((codec for codec in declared if codec and codec not in _UTF16), None)
    if _is_utf8(body):
        return said if said in _MULTIBYTE and _reads(body, said) and _is_scant(body) else "utf-8"
    if said == "utf-8" and _is_damaged_utf8(body):
        return said
    for codec in declared:
        if codec and codec != "utf-8" and codec not in _UTF16 and _fits(body, codec):
            return codec
    return "utf-8" if _is_damaged_utf8(body) else _guess(body)


@lru_cache(maxsize=512)
def codec_of(label: str) -> str | None:
    """The Python codec for a charset's label, None for one that no page is to be read with."""
    name = label.strip(" \t\r\n\f\"'").lower()
    if len(name) > 40 or not name.isascii():
        return None
    name = _LABELS.get(name, name).removeprefix("x-")
    try:
        known = codecs.lookup(name).name
    except (LookupError, ValueError):
        return None
    return _READ_AS.get(known)


def _marked(body: bytes) -> str | None:
    if body.startswith(codecs.BOM_UTF8):
        return "utf-8"
    if body.startswith(codecs.BOM_UTF16_LE):
        return "utf-16-le"
    return "utf-16-be" if body.startswith(codecs.BOM_UTF16_BE) else None


def _declaration(body: bytes) -> str | None:
    head = body[:DECLARED_WITHIN]
    match = _XML.match(head) or _META.search(head)
    codec = codec_of(match.group(1).decode("ascii")) if match else None
    # Who could read the declaration as ASCII can't be in UTF-16.
    return "utf-8" if codec in _UTF16 else codec


def _wide(body: bytes) -> str | None:
    """UTF-16 by its zero bytes: half of any markup is such."""
    head = body[:1_000]
    if head[0::2].count(0) > len(head) * 0.1:
        return "utf-16-be"
    return "utf-16-le" if head[1::2].count(0) > len(head) * 0.1 else None


def _is_utf8(body: bytes) -> bool:
    """Whether `body` is UTF-8, perhaps cut off within its last character."""
    try:
        body.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start >= len(body) - 3 and len(body) > _FEW
    return True


def _is_scant(body: bytes) -> bool:
    return len(_SEQUENCE.findall(body, 0, _SEARCHED)) < _FEW


def _is_damaged_utf8(body: bytes) -> bool:
    """Whether `body` is UTF-8 but for a few broken places."""
    sample = body[:_SEARCHED]
    broken = sample.decode("utf-8", "replace").count("\ufffd")
    return broken * 10 <= len(_SEQUENCE.findall(sample))


def _reads(body: bytes, codec: str) -> bool:
    try:
        body.decode(codec)
    except (UnicodeDecodeError, ValueError):
        return False
    return True


def _fits(body: bytes, codec: str) -> bool:
    """Whether `codec` reads `body` well enough to be believed; a single-byte one reads anything."""
    if codec not in _MULTIBYTE:
        return True
    sample = body[:_SEARCHED]
    high = len(sample) - len(sample.translate(None, bytes(range(0x80, 0x100))))
    return sample.decode(codec, "replace").count("\ufffd") * 20 <= high


def _guess(body: bytes) -> str:
    """Which charset text of no known origin is in.

    Among the charsets of Latin scripts the statistics are no better than a coin; there it is windows-1252,
    as the standard has it for want of a declaration.
    """
    parts: list[bytes] = []
    size = end = 0
    for match in _FOREIGN_TEXT.finditer(body, 0, _SEARCHED):
        before = body[max(end, match.start() - _BEFORE) : match.start()]
        end = match.end()
        parts.append(before[max(before.rfind(b"<"), before.rfind(b">")) + 1 :] + match.group())
        size += len(parts[-1])
        if size >= _SAMPLE:
            break
    sample = b"\n".join(parts)[:_SAMPLE]
    high = sum(byte >= 0x80 for byte in sample)
    letters = high + sum(chr(byte).isalpha() for byte in sample if byte < 0x80)
    if not high or high < letters * _FOREIGN_SHARE:
        return FALLBACK
    best = from_bytes(
        sample, cp_isolation=_DETECTABLE, preemptive_behaviour=False, enable_fallback=False, steps=5, chunk_size=512
    ).best()
    return (codec_of(best.encoding) if best is not None else None) or FALLBACK
