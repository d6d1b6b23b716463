"""URLs: what may be fetched, what is the same page, and what an article's id is made of. No I/O."""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import SplitResult, parse_qsl, quote, unquote_to_bytes, urljoin, urlsplit, urlunsplit

from publicsuffixlist import PublicSuffixList

from crawler.errors import UrlRefused

MAX_URL_LENGTH = 2_048  # characters; longer ones are traps or trackers, and old proxies refuse them
_DEFAULT_PORT = {"http": 80, "https": 443}

# Parameters that tell where a reader came from and never which article it is.
_TRACKING = re.compile(
    r"^(utm_.*|mtm_.*|pk_.*|hsa_.*|at_.*|ns_.*|oly_.*|vero_.*|trk_.*|__hs.*|_hs.*|"
    r"gclid|gclsrc|dclid|gbraid|wbraid|fbclid|yclid|msclkid|twclid|ttclid|igshid|igsh|li_fat_id|mc_cid|mc_eid|"
    r"ref|ref_src|ref_url|referrer|referer|source|src|cmp|cmpid|cid|icid|ito|ncid|partner|partnerid|campaign|campaign_id|"
    r"mod|siteid|reflink|st|share|shareid|smid|smtyp|sr_share|soc_src|soc_trk|guccounter|guce_referrer.*|"
    r"from|via|rss|output_type|taid|traffic_source|spm|wt_mc|xtor|ocid|_ga|_gl|s_cid|ftag|tpcc)$",
    re.IGNORECASE,
)
_AMP_PARAMETER = re.compile(r"^(amp|outputtype|usqp|amp_js_v|amp_gsa)$", re.IGNORECASE)
_TWIN_LABEL = frozenset({"www", "m", "mobile", "amp", "wap", "touch"})
_AMP_PATH = re.compile(r"(?:/amp/?|\.amp(?:\.html?)?|/amp\.html?)$", re.IGNORECASE)
_INDEX_PATH = re.compile(r"/(?:index|default)\.(?:html?|php|aspx?)$", re.IGNORECASE)
_SCRIPT_PATH = re.compile(r"\.(?:php|aspx?|jsp|cgi|cfm|do)$|^/$", re.IGNORECASE)
_SURELY_TRACKING = re.compile(
    r"^(utm_.*|mtm_.*|gclid|fbclid|msclkid|yclid|mc_cid|mc_eid|igshid|_ga|_gl)$", re.IGNORECASE
)
_SAFE_PATH = "/:@!$&'()*+,;=-._~"
_SAFE_QUERY = "/:@!$'()*,;-._~?"
# RFC 3986 forbids these in a URL; sent raw they split a request.
_FORBIDDEN = re.compile(r"[\x00-\x20\x7f]")

_USUAL_LENGTH = 300  # characters; ids of longer URLs are not remembered, lest hostile ones fill the memory

# A URL that is in its one spelling already, as nearly all on the web are.
_PLAIN = re.compile(
    r"https?://[a-z0-9_](?:[a-z0-9_.-]{0,250}[a-z0-9_])?/[A-Za-z0-9/_.~:@!$&'()*+,;=-]*(?:\?[A-Za-z0-9/_.~:@!$&'()*+,;=?-]+)?"
)

# The list that ships with the package: looking up a newer one would be a request of its own.
_suffixes = PublicSuffixList()


def normalize(url: str, base: str | None = None) -> str:
    """An absolute http(s) URL in one spelling, still the same request to a server.

    Scheme and host in lower case, host in IDNA, no default port, no fragment, no dot segments, one spelling of
    percent escapes. Raises UrlRefused for anything that is not a plain http(s) URL.
    """
    whole = _from_root(url, base) if base and url.startswith("/") else url
    if len(url) <= MAX_URL_LENGTH and _PLAIN.fullmatch(whole) and ".." not in whole and "/." not in whole:
        return whole
    raw = url.strip().replace("\t", "").replace("\n", "").replace("\r", "")
    if any("\ud800" <= character <= "\udfff" for character in raw):
        raise UrlRefused(raw[:80].encode("ascii", "backslashreplace").decode(), "holds half a character")
    if len(raw) > MAX_URL_LENGTH:
        raise UrlRefused(raw[:80] + "…", f"longer than {MAX_URL_LENGTH} characters")
    try:
        parts = urlsplit(urljoin(base, raw) if base else raw)
        port = parts.port
    except ValueError as error:
        raise UrlRefused(raw[:200], f"is no URL: {error}") from None
    if parts.scheme not in _DEFAULT_PORT:
        raise UrlRefused(raw[:200], "expected a URL that starts with http:// or https://")
    if parts.username is not None or parts.password is not None:
        raise UrlRefused(parts.scheme + "://…@" + (parts.hostname or ""), "credentials in a URL are not used")
    host = _host(parts, raw)
    netloc = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORT[parts.scheme]:
        netloc += f":{port}"
    path = _respell(_without_dot_segments(parts.path) or "/", _SAFE_PATH)
    query = _respell(parts.query, _SAFE_QUERY + "&=+%")
    return urlunsplit((parts.scheme, netloc, path, query, ""))


@lru_cache(maxsize=64)  # a page's own address and its canonical one are asked for several times while it is read
def identity(url: str) -> str:
    """The key under which an article is stored once, whatever way its page was reached.

    Without tracking parameters, scheme, `www.`/mobile/AMP twins, index page and trailing slash; the other
    parameters sorted. `url` must be absolute.
    """
    parts = urlsplit(normalize(url))
    host = parts.netloc
    first, _, rest = host.partition(".")
    if first in _TWIN_LABEL and "." in rest and not _is_address(parts.hostname or ""):
        host = rest
    path = _AMP_PATH.sub("", parts.path)
    path = _INDEX_PATH.sub("/", path).rstrip("/") or "/"
    if path.startswith("/amp/"):
        path = path[4:]
    given = [pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _AMP_PARAMETER.match(pair[0])]
    kept = sorted(pair for pair in given if not _TRACKING.match(pair[0]))
    if not kept and _SCRIPT_PATH.search(path):
        # /story.php?cid=7: the only parameters of a script name the article, whatever they mean elsewhere.
        kept = sorted(pair for pair in given if not _SURELY_TRACKING.match(pair[0]))
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in kept)
    return urlunsplit(("https", host, path, query, ""))


def article_id(url: str) -> str:
    """BLAKE2b-128 (hex) of the URL's identity: the same in every store."""
    return _known_id(url) if len(url) <= _USUAL_LENGTH else _blake2(identity(url))


# A page's own address comes four times on its way, and the links of a site on each of its pages.
@lru_cache(maxsize=16_384)
def _known_id(url: str) -> str:
    return _blake2(identity(url))


def vendor_article_id(publisher: str, accession_number: str) -> str:
    """BLAKE2b-128 (hex) of publisher and the vendor's accession number."""
    return _blake2(f"{publisher}\x00{accession_number}")


def content_id(text: str) -> str:
    """BLAKE2b-128 (hex) of a text that has no URL."""
    return _blake2(text)


def host_of(url: str) -> str:
    """Host with its port where that is not the default: what politeness counts by."""
    return urlsplit(url).netloc.lower()


@lru_cache(maxsize=16_384)
def registrable_domain(host: str) -> str:
    """The part of a host that somebody registered (news.example.co.uk → example.co.uk); addresses as they are."""
    name = host.rsplit(":", 1)[0] if host.count(":") == 1 else host
    if literal_address(name) is not None:
        return name
    return _suffixes.privatesuffix(name.lower().rstrip(".")) or ".".join(name.split(".")[-2:])


def same_site(one: str, other: str) -> bool:
    """Whether two absolute URLs are on one registrable domain."""
    return registrable_domain(urlsplit(one).hostname or "") == registrable_domain(urlsplit(other).hostname or "")


def literal_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a host spells out, in the odd forms resolvers accept too (decimal, octal, hex), or None."""
    bare = host.strip("[]").rstrip(".")
    try:
        return ip_address(bare.split("%")[0])
    except ValueError:
        pass
    fields = bare.split(".")
    if not 1 <= len(fields) <= 4 or not all(re.fullmatch(r"0[xX][0-9a-fA-F]*|[0-9]+", part) for part in fields):
        return None
    try:
        numbers = [_c_number(part) for part in fields]
    except ValueError:
        return None
    *heads, last = numbers
    if any(n > 255 for n in heads) or last >= 256 ** (5 - len(numbers)):
        return None
    value = last
    for place, head in enumerate(heads):
        value += head << (8 * (3 - place))
    return IPv4Address(value)


def _from_root(path: str, base: str) -> str:
    """A path under its base's host, "" where it takes more to join them. Many of a page's links are such."""
    if path.startswith("//") or ";" in path:
        return ""
    scheme, _, rest = base.partition("://")
    return f"{scheme}://{rest.partition('/')[0]}{path}"


def _c_number(text: str) -> int:
    if text.lower().startswith("0x"):
        return int(text[2:] or "0", 16)
    return int(text, 8) if text.startswith("0") and len(text) > 1 else int(text)


def _host(parts: SplitResult, raw: str) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host:
        raise UrlRefused(raw[:200], "has no host")
    if ":" in host:
        return host
    try:
        host = host.encode("ascii").decode().lower()
    except UnicodeEncodeError:
        try:
            host = host.encode("idna").decode().lower()
        except UnicodeError:
            raise UrlRefused(raw[:200], "has a host that is no domain name") from None
    if not re.fullmatch(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?", host) or ".." in host or len(host) > 253:
        raise UrlRefused(raw[:200], "has a host that is no domain name")
    return host


def _is_address(host: str) -> bool:
    return literal_address(host) is not None


def _without_dot_segments(path: str) -> str:
    if "/." not in path:
        return path
    kept: list[str] = []
    segments = path.split("/")
    for segment in segments:
        if segment == "..":
            if len(kept) > 1:
                kept.pop()
        elif segment != ".":
            kept.append(segment)
    if segments[-1] in {".", ".."}:
        kept.append("")
    return "/".join(kept)


def _respell(text: str, safe: str) -> str:
    """Percent escapes in one spelling: unreserved characters plain, hex digits in upper case."""
    if "%" not in text and text.isascii() and not _FORBIDDEN.search(text):
        return quote(text, safe=safe)

    def one(match: re.Match[str]) -> str:
        octet = unquote_to_bytes(match.group())
        plain = octet.decode("latin-1")
        return plain if plain.isascii() and (plain.isalnum() or plain in "-._~") else f"%{octet[0]:02X}"

    escaped = re.sub(r"%[0-9a-fA-F]{2}", one, text)
    return re.sub(
        r"%(?![0-9A-F]{2})|[^%]+",
        lambda m: "%25" if m.group() == "%" else quote(m.group(), safe=safe),
        escaped,
    )


def _blake2(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
