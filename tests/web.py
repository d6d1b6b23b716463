"""A small web on loopback, scripted byte for byte: what real servers do, and what no decent one would.

`async with Web("127.0.0.2") as web:` serves on a free port of that address; `web.page(...)`, `web.raw(...)` and
`web.handler(...)` say what a path answers, `web.requests`, `web.count(path)` and `web.connections` what was asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Self


@dataclass(frozen=True)
class Seen:
    """A request as it came in; header names in lower case, `path` with its query."""

    method: str
    path: str
    headers: Mapping[str, str]
    at: float = field(compare=False)  # seconds on the event loop's clock


Handler = Callable[[Seen, asyncio.StreamWriter], Awaitable[bool | None]]


def response(
    body: bytes | str = b"",
    *,
    status: int = 200,
    media: str | None = "text/html; charset=utf-8",
    headers: Mapping[str, str] | None = None,
    length: int | None = None,
) -> bytes:
    """An HTTP/1.1 answer; `length` lies about the body's."""
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Scripted"]
    if media is not None:
        lines.append(f"Content-Type: {media}")
    if status not in {204, 304}:
        lines.append(f"Content-Length: {len(data) if length is None else length}")
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + data


class Web:
    """One scripted server. Paths that were not scripted answer 404."""

    def __init__(self, host: str = "127.0.0.1", *, port: int = 0, tls: ssl.SSLContext | None = None) -> None:
        self.host = host
        self.port = port
        self.tls = tls
        self.connections = 0
        self.requests: list[Seen] = []
        self._routes: dict[str, Handler] = {}
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, self.host, self.port, ssl=self.tls, limit=1 << 20)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        await self._server.wait_closed()

    @property
    def origin(self) -> str:
        return f"{'https' if self.tls else 'http'}://{self.host}:{self.port}"

    def url(self, path: str = "/") -> str:
        return self.origin + path

    def paths(self) -> list[str]:
        return [seen.path for seen in self.requests]

    def count(self, path: str) -> int:
        return self.paths().count(path)

    def last(self, path: str) -> Seen:
        return next(seen for seen in reversed(self.requests) if seen.path == path)

    def page(
        self,
        path: str,
        body: bytes | str = b"",
        *,
        status: int = 200,
        media: str | None = "text/html; charset=utf-8",
        headers: Mapping[str, str] | None = None,
    ) -> str:
        """`path` answers so; gives its URL."""
        return self.raw(path, response(body, status=status, media=media, headers=headers), keep=True)

    def redirect(self, path: str, to: str, status: int = 302) -> str:
        return self.page(path, status=status, headers={"Location": to})

    def raw(self, path: str, data: bytes, *, keep: bool = False) -> str:
        """`path` answers these very bytes; then the connection is closed, or kept."""

        async def send(_: Seen, writer: asyncio.StreamWriter) -> bool:
            writer.write(data)
            await writer.drain()
            return keep

        return self.handler(path, send)

    def handler(self, path: str, handler: Handler) -> str:
        """`handler` writes the answer to `path`; it returns whether the connection stays open."""
        self._routes[path] = handler
        return self.url(path)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                while await self._one(reader, writer):
                    pass
        finally:
            self._open.discard(writer)
            writer.close()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        pairs = (line.partition(":") for line in lines if line)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        seen = Seen(method, path, headers, asyncio.get_running_loop().time())
        self.requests.append(seen)
        handler = self._routes.get(path) or self._routes.get("*")
        if handler is None:
            writer.write(response("not here", status=404))
            await writer.drain()
            return True
        return bool(await handler(seen, writer))
