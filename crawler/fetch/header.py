"""What response headers say, as data. Pure; hostile values are worth nothing rather than an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from crawler.model import Validators

MAX_RETRY_AFTER = 86_400.0  # seconds
_MAX_AGE = 31_536_000.0  # seconds, a year
_MAX_VALIDATOR = 1_024  # characters
_MEDIA_TYPE = re.compile(r"\s*([a-z0-9!#$&^_.+-]{1,80}/[a-z0-9!#$&^_.+-]{1,120})\s*(?:[;,]|$)")
_CHARSET = re.compile(r";\s*charset\s*=\s*[\"']?\s*([a-z0-9_.:-]{1,40})", re.IGNORECASE)
_CACHE_MAX_AGE = re.compile(r"(?:^|,)\s*max-age\s*=\s*\"?([0-9]{1,10})", re.IGNORECASE)
_UNCACHED = re.compile(r"(?:^|,)\s*(?:no-store|no-cache)\s*(?:,|$)", re.IGNORECASE)

# What holds no article and no list of articles. gzip is not here: sitemaps come so.
_REFUSED_TYPES = re.compile(
    r"(?:image|video|audio|font|model|message|multipart)/"
    r"|text/(?:css|javascript|calendar|x?-?vcard|csv)$"
    r"|application/(?:pdf|zip|x-zip-compressed|x-rar.*|vnd\.rar|x-7z-compressed|x-tar|x-bzip2?|java-archive|epub\+zip"
    r"|msword|rtf|postscript|wasm|javascript|x-javascript|ecmascript|x-shockwave-flash|x-msdownload|x-apple-diskimage"
    r"|ogg|mp4|dash\+xml|x-mpegurl|font.*|x-font.*|vnd\.(?!.*(?:\+xml|\+json)$).*)$"
)
_MAGIC = (
    (b"%PDF-", "PDF"),
    (b"\x89PNG\r\n", "PNG image"),
    (b"\xff\xd8\xff", "JPEG image"),
    (b"GIF8", "GIF image"),
    (b"PK\x03\x04", "ZIP archive"),
    (b"Rar!\x1a", "RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "7z archive"),
    (b"OggS", "Ogg file"),
    (b"ID3", "MP3 file"),
    (b"\x7fELF", "program"),
    (b"\x00asm", "program"),
    (b"wOFF", "font"),
    (b"wOF2", "font"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Office file"),
    (b"\x1a\x45\xdf\xa3", "Matroska film"),
)
SNIFFED = 16  # bytes of a body that `sniff` wants


def content_type(value: str) -> tuple[str, str | None]:
    """Media type in lower case ("" where there is none) and the charset that the header names."""
    media = _MEDIA_TYPE.match(value[:400].lower())
    charset = _CHARSET.search(value[:400])
    return media.group(1) if media else "", charset.group(1).lower() if charset else None


def refused_media(media_type: str) -> bool:
    return _REFUSED_TYPES.match(media_type) is not None


def sniff(head: bytes) -> str | None:
    """What a body's first bytes show it to be, where that is nothing we read; whatever its media type claims."""
    for magic, name in _MAGIC:
        if head.startswith(magic):
            return name
    if head[:4] == b"RIFF" and head[8:12] in {b"WEBP", b"WAVE", b"AVI "}:
        return "RIFF image or film"
    if head[4:8] == b"ftyp":
        return "MP4 film or AVIF image"
    return None


def validators(headers: Mapping[str, str]) -> Validators:
    return Validators(etag=_plain(headers.get("ETag")), last_modified=_plain(headers.get("Last-Modified")))


def _plain(value: str | None) -> str | None:
    # They come back in a header and lie in the store till then: nothing but printable ASCII does both unharmed.
    value = (value or "").strip()
    return value if 0 < len(value) <= _MAX_VALIDATOR and value.isascii() and value.isprintable() else None


def retry_after(value: str | None, now: datetime) -> float | None:
    """Seconds from a Retry-After header (a number or a date), 0 to a day."""
    text = (value or "").strip()
    if re.fullmatch(r"[0-9]{1,12}", text):
        return min(float(text), MAX_RETRY_AFTER)
    time = http_date(text)
    return None if time is None else min(max((time - now).total_seconds(), 0.0), MAX_RETRY_AFTER)


def http_date(text: str) -> datetime | None:
    if not 16 <= len(text) <= 64:
        return None
    try:
        time = parsedate_to_datetime(text)
        return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def max_age(headers: Mapping[str, str]) -> float | None:
    """Seconds for which the server calls its answer fresh (Cache-Control), None where it does not say."""
    value = headers.get("Cache-Control", "")[:1_000]
    if _UNCACHED.search(value):
        return 0.0
    match = _CACHE_MAX_AGE.search(value)
    return min(float(match.group(1)), _MAX_AGE) if match else None
