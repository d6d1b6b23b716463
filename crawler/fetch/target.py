"""What a URL asks us to connect to. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_network
from urllib.parse import urlsplit, urlunsplit

from crawler import urls
from crawler.errors import UrlRefused
from crawler.fetch.addresses import Address

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """One request's aim. `literal` is the address that the host spells out, None where it is a name."""

    url: str
    scheme: str
    host: str
    port: int
    literal: Address | None

    @classmethod
    def of(cls, url: str, base: str | None = None) -> Target:
        """Raises UrlRefused for anything but a plain http(s) URL.

        An address in an odd spelling (decimal, octal, hex) is spelt as everybody does, as browsers do too: what
        is checked is then what is connected to.
        """
        try:
            normal = urls.normalize(url, base)
        except UnicodeError:
            raise UrlRefused(ascii(url)[:200], "holds half of a surrogate pair") from None
        parts = urlsplit(normal)
        host = parts.hostname or ""
        literal = urls.literal_address(host)
        if "%" in host or (":" in host and literal is None):
            raise UrlRefused(normal, "has an address that is none")
        port = parts.port or _PORTS[parts.scheme]
        if literal is not None and str(literal) != host:
            host = str(literal)
            bare = f"[{host}]" if literal.version == 6 else host
            normal = urlunsplit(parts._replace(netloc=bare if parts.port is None else f"{bare}:{port}"))
        if parts.port == 0:
            raise UrlRefused(normal, "port 0 is none")
        return cls(normal, parts.scheme, host, port, literal)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: whoever shares them may see the same credentials."""
        return self.scheme, self.host, self.port

    @property
    def site(self) -> str:
        """What politeness counts by."""
        return urls.host_of(self.url)


def is_asked_directly(target: Target, no_proxy: Iterable[str]) -> bool:
    """Whether `no_proxy` names the target: by its host, a domain above it, an address, a network, or `*`."""
    for entry in no_proxy:
        name = entry.strip().lower().lstrip(".").rstrip(".")
        if name in {"*", target.host} or (target.literal is None and target.host.endswith(f".{name}")):
            return True
        if target.literal is not None and "/" in name:
            try:
                if target.literal in ip_network(name, strict=False):
                    return True
            except ValueError:
                continue
    return False
