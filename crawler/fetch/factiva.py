"""A subscription to a Factiva Stream: credentials from the vendor's API, messages from Google Cloud Pub/Sub.

The protocol is that of the vendor's own clients (https://github.com/dowjones/dj-dna-streams-python): a GET of
/sns-accounts/streaming-credentials with the account's key answers with a Google service account, as JSON inside JSON,
whose project holds the subscription. Messages are pulled, and acknowledged by whoever has stored them.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from crawler import logfields
from crawler.errors import BadStatus, ConnectionFailed, FetchError, MissingExtra, SettingsError
from crawler.fetch.failure import CLIENT_ERRORS, as_fetch_error
from crawler.fetch.transport import tls_context
from crawler.settings import FetchSettings

API = "https://api.dowjones.com"
USER_KEY, TOKEN, SUBSCRIPTION, HOST = (
    "FACTIVA_USERKEY",
    "FACTIVA_OAUTH_TOKEN",
    "FACTIVA_STREAM_SUBSCRIPTION_ID",
    "FACTIVA_API",
)
MAX_CREDENTIALS = 100_000  # bytes of the API's answer
PULL_SECONDS = 10.0  # that a pull waits for a first message
CALL_SECONDS = 30.0  # that any other call may take
ACK_SECONDS = 60  # that a message is ours once it is pulled, unless it is prolonged
_LOCAL = frozenset({"127.0.0.1", "localhost", "::1"})

T = TypeVar("T")


class StreamRefused(FetchError):
    """The vendor does not know the key or the subscription, or the account may not have it."""

    reason, retry = "stream-refused", False


@dataclass(frozen=True, slots=True)
class StreamAccess:
    """Whose subscription. `headers` carry the key: they are sent to the vendor's API and shown nowhere."""

    subscription: str
    headers: Mapping[str, str] = field(repr=False)
    api: str = API

    @classmethod
    def of(cls, environment: Mapping[str, str], subscription: str = "") -> StreamAccess:
        """From the environment's variables. Raises SettingsError that names the one that is wrong or missing."""
        subscription = subscription or environment.get(SUBSCRIPTION, "")
        if not subscription:
            raise SettingsError("environment", SUBSCRIPTION, "expected the id of the subscription, is not set")
        token, key = _secret(environment, TOKEN), _secret(environment, USER_KEY)
        if not token and not key:
            raise SettingsError("environment", USER_KEY, f"expected the account's key (or {USER_KEY}_FILE), is not set")
        api = (environment.get(HOST) or API).rstrip("/")
        parts = urlsplit(api)
        if not parts.hostname or (parts.scheme != "https" and parts.hostname not in _LOCAL):
            raise SettingsError("environment", HOST, "expected https://HOST")
        return cls(subscription, {"Authorization": f"Bearer {token}"} if token else {"user-key": key}, api)


def _secret(environment: Mapping[str, str], name: str) -> str:
    value, file = environment.get(name, ""), environment.get(f"{name}_FILE", "")
    if value and file:
        raise SettingsError("environment", name, "expected the value or the file that holds it, got both")
    if file:
        try:
            value = Path(file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError):
            raise SettingsError("environment", f"{name}_FILE", f"expected a readable file, got {file!r}") from None
    if not value.isprintable() or not value.isascii():
        raise SettingsError("environment", name, "expected one line of ASCII")
    if value:
        logfields.conceal(value)
    return value


@dataclass(frozen=True, slots=True)
class Message:
    """One message as it came: its id stays the same when it comes again, `ack` does not."""

    id: str
    ack: str
    data: bytes = field(repr=False)
    published: datetime


class Subscription:
    """An open subscription: `open` makes it. All calls raise FetchError; `retry` of it says whether to try again."""

    def __init__(self, client: Any, path: str) -> None:
        self._client, self.path = client, path

    @classmethod
    async def open(cls, access: StreamAccess, settings: FetchSettings) -> Subscription:
        """Fetches credentials and connects. Raises FetchError, MissingExtra."""
        try:
            from google.auth.exceptions import GoogleAuthError
            from google.cloud import pubsub_v1
            from google.oauth2 import service_account
        except ModuleNotFoundError:
            raise MissingExtra("a stream of Factiva", "factiva") from None
        account = await _credentials(access, settings)
        project = account.get("project_id")
        if not isinstance(project, str) or not project:
            raise StreamRefused(access.api, "its credentials name no project")

        def connect() -> Any:
            made = service_account.Credentials.from_service_account_info(account)  # type: ignore[no-untyped-call]
            return pubsub_v1.SubscriberClient(credentials=made)

        try:
            client = await asyncio.to_thread(connect)
        except (ValueError, GoogleAuthError):
            raise StreamRefused(access.api, "its credentials are no service account of Google's") from None
        return cls(client, client.subscription_path(project, access.subscription))

    async def pull(self, most: int) -> list[Message]:
        """Up to `most` messages, none where none came in some seconds; ours for `ACK_SECONDS`."""
        from google.api_core.exceptions import DeadlineExceeded

        request = {"subscription": self.path, "max_messages": most}
        try:
            answer = await self._call(self._client.pull, request, PULL_SECONDS)
        except ConnectionFailed as error:
            if isinstance(error.__cause__, DeadlineExceeded):
                return []
            raise
        found = [
            Message(
                id=one.message.message_id,
                ack=one.ack_id,
                data=bytes(one.message.data),
                published=datetime.fromtimestamp(one.message.publish_time.timestamp(), UTC),
            )
            for one in answer.received_messages
        ]
        await self.prolong(found)
        return found

    async def prolong(self, messages: Sequence[Message]) -> None:
        """They stay ours for another `ACK_SECONDS`."""
        if messages:
            request = {"subscription": self.path, "ack_ids": [one.ack for one in messages]}
            await self._call(self._client.modify_ack_deadline, {**request, "ack_deadline_seconds": ACK_SECONDS})

    async def acknowledge(self, messages: Sequence[Message]) -> None:
        """They need not come again."""
        if messages:
            request = {"subscription": self.path, "ack_ids": [one.ack for one in messages]}
            await self._call(self._client.acknowledge, request)

    async def close(self) -> None:
        """Ends calls under way. Messages that were not acknowledged come again."""
        await asyncio.to_thread(self._client.close)

    async def _call(self, method: Any, request: Mapping[str, Any], seconds: float = CALL_SECONDS) -> Any:
        from google.api_core import exceptions
        from google.auth.exceptions import GoogleAuthError

        try:
            return await asyncio.to_thread(method, request=dict(request), timeout=seconds, retry=None)
        except (exceptions.NotFound, exceptions.PermissionDenied, exceptions.InvalidArgument) as error:
            raise StreamRefused(self.path, f"the subscription is refused ({type(error).__name__})") from error
        except (exceptions.GoogleAPICallError, GoogleAuthError) as error:
            # The client's own texts are not told: they may hold what it sent.
            raise ConnectionFailed(self.path, f"the call failed ({type(error).__name__})") from error


async def _credentials(access: StreamAccess, settings: FetchSettings) -> Mapping[str, Any]:
    """The service account that the API answers with. Redirects are not followed: they would be sent the key."""
    url = f"{access.api}/sns-accounts/streaming-credentials"
    tls = tls_context(settings.ca_file)
    limit = aiohttp.ClientTimeout(total=settings.timeout, sock_connect=settings.connect_timeout)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit, cookie_jar=aiohttp.DummyCookieJar()) as session,
            session.get(
                url,
                headers={**access.headers, "Accept": "application/json", "User-Agent": settings.user_agent},
                allow_redirects=False,
                ssl=tls,
                proxy=settings.proxy or None,
            ) as answer,
        ):
            if answer.status in {401, 403, 404}:
                raise StreamRefused(url, f"the key is refused (HTTP {answer.status})")
            if answer.status != 200:
                raise BadStatus(url, answer.status)
            body = await answer.content.read(MAX_CREDENTIALS + 1)
            while len(body) <= MAX_CREDENTIALS and (more := await answer.content.read(MAX_CREDENTIALS)):
                body += more
    except CLIENT_ERRORS as error:
        raise as_fetch_error(error, url) from None
    return _account(url, body)


def _account(url: str, body: bytes) -> Mapping[str, Any]:
    try:
        account = json.loads(json.loads(body)["data"]["attributes"]["streaming_credentials"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise StreamRefused(url, "expected streaming credentials, the account has none") from None
    if not isinstance(account, dict):
        raise StreamRefused(url, "expected streaming credentials, the account has none")
    return account


def environment_access(subscription: str = "") -> StreamAccess:
    """The process's own environment as access."""
    return StreamAccess.of(os.environ, subscription)
