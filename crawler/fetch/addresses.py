"""Which addresses and ports may be connected to. Pure rules, no I/O.

The crawler follows URLs that strangers write; without these rules a page could have it ask the machines beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from crawler.errors import AddressRefused, UrlRefused
from crawler.settings import FetchSettings

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

WEB_PORTS = frozenset({80, 443, 8000, 8008, 8080, 8443})

# The IANA special-purpose registries, spelt out: `ipaddress.is_global` differs between Python releases.
_REFUSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # carrier-grade NAT, and a cloud's metadata service at 100.100.100.200
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's host agent, reached from inside although it looks public
        "169.254.0.0/16",  # link-local, with the metadata service most clouds share
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")  # all that is assigned to the public internet
_REFUSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo among them
        "2001:db8::/32",
        "3fff::/20",
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")
_COMPATIBLE = IPv6Network("::/96")


class AddressRules:
    """`settings.allow_private` opens networks (with any port), `allow_ports` and `source_ports` open ports."""

    def __init__(self, settings: FetchSettings, source_ports: Collection[int] = ()) -> None:
        self._listed: tuple[Network, ...] = tuple(ip_network(entry, strict=False) for entry in settings.allow_private)
        self._ports = WEB_PORTS | set(settings.allow_ports) | set(source_ports)

    def permits(self, address: Address | str, port: int) -> bool:
        """Whether a connection may be made to `address` at `port`."""
        one = ip_address(address.partition("%")[0]) if isinstance(address, str) else address
        return self._is_listed(one) or (port in self._ports and is_public(one))

    def permits_port(self, port: int) -> bool:
        """Whether a public address may be connected to at `port`."""
        return port in self._ports

    def may_open_port(self, port: int) -> bool:
        """Whether `port` is open at any address at all."""
        return port in self._ports or bool(self._listed)

    def permitted(self, addresses: Iterable[str], port: int) -> tuple[str, ...]:
        return tuple(address for address in addresses if self.permits(address, port))

    def refusal(self, url: str, addresses: Iterable[str], port: int) -> AddressRefused | UrlRefused:
        """Why `url` with these addresses, not all of them permitted, is not fetched."""
        inside = [one for one in addresses if not self.permits(one, 80)]
        if inside:
            return AddressRefused(url, f"{inside[0]} is not a public address (fetch.allow_private lists exceptions)")
        return self.port_refusal(url, port)

    @staticmethod
    def port_refusal(url: str, port: int) -> UrlRefused:
        return UrlRefused(url, f"port {port} is not open (fetch.allow_ports lists exceptions)")

    def _is_listed(self, address: Address) -> bool:
        return any(one in network for one in _faces(address) for network in self._listed)


def is_public(address: Address) -> bool:
    """Whether `address`, and any IPv4 address wrapped in it, is reachable by everyone on the internet."""
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED_V4)
    inner = embedded(address)
    if inner is not None and not is_public(inner):
        return False
    if address.ipv4_mapped is not None or address in _NAT64:
        return True  # another spelling of a public IPv4 address
    return address in _GLOBAL_V6 and not any(address in network for network in _REFUSED_V6)


def embedded(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that `address` leads to: mapped, compatible, NAT64, 6to4, or behind Teredo."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    if address.teredo is not None:
        return address.teredo[1]
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return None


def _faces(address: Address) -> tuple[Address, ...]:
    inner = embedded(address) if isinstance(address, IPv6Address) else None
    return (address,) if inner is None else (address, inner)
