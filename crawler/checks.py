"""What single values of the configuration must look like. Each gives its value back, or raises ValueError in a line."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_network
from urllib.parse import parse_qsl, urlsplit

_PROXY = "expected http://HOST:PORT or https://HOST:PORT"
_DATABASE = "expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME"
_SQLITE = "sqlite+aiosqlite:///"
# As SQLAlchemy reads it: a password may hold what ends it elsewhere, such as "?".
_POSTGRESQL = re.compile(
    r"postgresql\+asyncpg://(?:[^:/]*(?::[^@]*)?@)?(?:\[[^/?\]]+\]|[^/:?@]*)(?::(?P<port>\d*))?(?:/[^?]*)?"
    r"(?:\?(?P<parameters>.*))?"
)
_NUMBER = r"\d{1,5}"
# Of asyncpg's parameters those that can be given as text, with the words that one may hold (None: any).
_PARAMETERS: Mapping[str, str | None] = {
    "database": None,
    "gsslib": r"gssapi|sspi",
    "host": None,
    "krbsrvname": None,
    "passfile": None,
    "password": None,
    "port": _NUMBER,
    "prepared_statement_cache_size": _NUMBER,
    "service": None,
    "servicefile": None,
    "ssl": r"disable|allow|prefer|require|verify-ca|verify-full",
    "target_session_attrs": r"any|primary|standby|read-write|read-only|prefer-standby",
    "user": None,
}
_USER_AGENT = re.compile(r"[A-Za-z][\x20-\x7e]*[\x21-\x7e]")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.1
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LISTEN = re.compile(r"(?:(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])?:)?(?P<port>[0-9]{1,5})")
_HOST = re.compile(r"\*|\.?[\w.-]+|\[?[0-9A-Fa-f:.]+\]?(?:/\d+)?")


def database_url(value: str) -> str:
    """A store's address, with no parameter that its driver doesn't know or take as text."""
    if value.startswith(_SQLITE):
        _refuse_sqlite(value.removeprefix(_SQLITE))
    elif found := _POSTGRESQL.fullmatch(value):
        if int(found["port"] or 0) > 65_535:
            raise ValueError("expected a port of at most 65535")
        _refuse_postgresql(parse_qsl(found["parameters"] or "", keep_blank_values=True))
    else:
        raise ValueError(_DATABASE)
    return value


def listen_address(value: str) -> str:
    """HOST:PORT to listen on, HOST a name or an address; a port alone is one of 127.0.0.1."""
    found = _LISTEN.fullmatch(value)
    if found is None or int(found["port"]) > 65_535:
        raise ValueError("expected HOST:PORT such as 127.0.0.1:9464, or a port")
    return f"{found['host'] or '127.0.0.1'}:{int(found['port'])}"


def user_agent(value: str) -> str:
    """Printable ASCII that begins with the name by which robots.txt calls us."""
    if not _USER_AGENT.fullmatch(value):
        raise ValueError("expected a name in ASCII on one line, such as name/1.0 (+https://site.example/bot)")
    return value


def proxy_url(value: str) -> str:
    """A proxy with or without user and password, nothing behind its port."""
    try:
        parts = urlsplit(value)
        port = parts.port
    except ValueError:
        raise ValueError(_PROXY) from None
    whole = parts.path in {"", "/"} and not parts.query and not parts.fragment and not re.search(r"\s", value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0 or not whole:
        raise ValueError(_PROXY)
    return value


def host_or_network(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"expected hosts, domains such as .example.com, addresses or networks, got {value!r:.80}")
    return value


def network(value: str) -> str:
    try:
        ip_network(value, strict=False)
    except ValueError:
        raise ValueError(f"expected networks such as 10.0.0.0/8 or addresses, got {value!r:.80}") from None
    return value


def header_from(header: str, variable: str) -> None:
    """An HTTP header and the name of the environment variable that holds its value."""
    if not _HEADER.fullmatch(header):
        raise ValueError(f"expected names of HTTP headers, got {header!r:.80}")
    if not _VARIABLE.fullmatch(variable):  # it may be the secret itself, put here by mistake: not repeated
        raise ValueError(f"expected the name of an environment variable that holds {header}")


def variable(name: str) -> str:
    """The name of the environment variable that holds a secret."""
    if not _VARIABLE.fullmatch(name):  # as above
        raise ValueError("expected the name of an environment variable that holds the secret")
    return name


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name: the nearest known one, or all."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(sorted(known))}"


def _refuse_sqlite(file: str) -> None:
    if not file or file == ":memory:":
        raise ValueError("expected a file: sqlite+aiosqlite:///FILE")
    if "?" in file:
        raise ValueError("expected sqlite+aiosqlite:///FILE without parameters")


def _refuse_postgresql(parameters: Iterable[tuple[str, str]]) -> None:
    for name, value in parameters:
        if name == "sslmode":  # as libpq has it
            raise ValueError("unknown parameter 'sslmode', it is called 'ssl' here")
        if name not in _PARAMETERS:
            raise ValueError(f"unknown parameter {name!r:.40}" + did_you_mean(name, _PARAMETERS))
        words = _PARAMETERS[name]
        if words is not None and not re.fullmatch(words, value):
            expected = "a number" if words == _NUMBER else words.replace("|", ", ")
            raise ValueError(f"parameter {name!r}: expected {expected}")
