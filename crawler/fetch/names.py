"""From host names to addresses that may be connected to."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from aiohttp import AddrInfoType, SocketFactoryType
from aiohttp.abc import AbstractResolver, ResolveResult

from crawler.clock import Clock
from crawler.fetch.addresses import AddressRules
from crawler.fetch.shared import SharedWork

KEPT_HOSTS = 10_000  # answers remembered
ANSWER_SECONDS = 300.0
FAILURE_SECONDS = 15.0
MAX_ADDRESSES = 32  # of one host; each that does not answer is tried in turn
_THREADS = 16  # look-ups under way; getaddrinfo blocks, and the loop's own pool is small and shared


class Resolver(Protocol):
    async def resolve(self, host: str) -> Sequence[str]:
        """The addresses of `host` as text. Raises OSError where it has none."""
        ...


class SystemResolver:
    """The machine's own resolver: hosts file, search domains and all."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="wiretrace-dns")

    async def resolve(self, host: str) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._pool, _look_up, host)
        return tuple(dict.fromkeys(found))

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> list[str]:
    try:
        answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "no domain name") from None
    return [str(answer[4][0]) for answer in answers]


def is_this_machine(name: str) -> bool:
    """`localhost` and the names below it, which no resolver is to be asked for (RFC 6761, section 6.3)."""
    return name == "localhost" or name.endswith(".localhost")


class Names:
    """Remembered look-ups, one under way per host however many ask."""

    def __init__(self, resolver: Resolver, clock: Clock) -> None:
        self._resolver = resolver
        self._clock = clock
        self._answers: OrderedDict[str, tuple[float, Sequence[str] | OSError]] = OrderedDict()
        self._asking: SharedWork[Sequence[str]] = SharedWork()

    async def addresses(self, host: str) -> Sequence[str]:
        """All addresses of `host`, permitted or not. Raises OSError where there are none."""
        name = host.rstrip(".").lower()
        if is_this_machine(name):
            return ("127.0.0.1",)
        kept = self._answers.get(name)
        if kept is not None and kept[0] > self._clock.monotonic():
            if isinstance(kept[1], OSError):
                raise OSError(*kept[1].args)
            return kept[1]
        return await self._asking.do(name, lambda: self._ask(name))

    async def _ask(self, name: str) -> Sequence[str]:
        answer: Sequence[str] | OSError
        try:
            answer = tuple(await self._resolver.resolve(name))[:MAX_ADDRESSES] or OSError("no address")
        except OSError as error:
            answer = OSError(error.errno, error.strerror or "no address")
        lasts = FAILURE_SECONDS if isinstance(answer, OSError) else ANSWER_SECONDS
        self._answers[name] = (self._clock.monotonic() + lasts, answer)
        self._answers.move_to_end(name)
        if len(self._answers) > KEPT_HOSTS:
            self._answers.popitem(last=False)
        if isinstance(answer, OSError):
            raise answer
        return answer

    async def close(self) -> None:
        await self._asking.close()


class RefusedAddress(OSError):
    """Raised inside the connector, where only an OSError is carried through to its caller whole."""


class PermittedNames(AbstractResolver):
    """The connector's view of `Names`: permitted addresses only."""

    def __init__(self, names: Names, rules: AddressRules) -> None:
        self._names = names
        self._rules = rules

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        found = await self._names.addresses(host)
        permitted = self._rules.permitted(found, port)
        if not permitted:
            raise RefusedAddress(errno.EACCES, "not a public address, or a port that is not open")
        return [
            {
                "hostname": host,
                "host": address,
                "port": port,
                "family": socket.AF_INET6 if ":" in address else socket.AF_INET,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in permitted
        ]

    async def close(self) -> None:
        """The names are the fetcher's to close."""


def guarded_socket(rules: AddressRules) -> SocketFactoryType:
    """A socket factory for the connector that refuses at the last moment before a connection.

    Literal addresses in URLs never pass a resolver, and an answer may have changed since it was checked.
    """

    def make(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, place = info
        host, port = place[:2]
        if not rules.permits(host, port):
            raise RefusedAddress(errno.EACCES, f"{host} is not a public address, or port {port} is not open")
        return socket.socket(family, kind, protocol)

    return make
