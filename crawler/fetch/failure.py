"""The one place where errors of the HTTP client become our own."""

from __future__ import annotations

import ssl

import aiohttp

from crawler.errors import AddressRefused, ConnectionFailed, FetchError, HostUnresolved, TimedOut, UrlRefused
from crawler.fetch.names import RefusedAddress

CLIENT_ERRORS = (aiohttp.ClientError, OSError, ValueError)  # TimeoutError is an OSError

# The first that fits. The client's own texts are not used: they may hold headers or a proxy's password.
_WORDS: tuple[tuple[type[BaseException], type[FetchError], str], ...] = (
    (aiohttp.ConnectionTimeoutError, TimedOut, "no connection in the time allowed"),
    (TimeoutError, TimedOut, "no whole answer in the time allowed"),
    (aiohttp.ClientHttpProxyError, ConnectionFailed, "the proxy refused to connect"),
    (aiohttp.ClientConnectorSSLError, ConnectionFailed, "no TLS connection"),
    (aiohttp.ClientPayloadError, ConnectionFailed, "the connection broke off before the body was whole"),
    (aiohttp.ServerDisconnectedError, ConnectionFailed, "the server closed the connection without an answer"),
    (aiohttp.ClientResponseError, ConnectionFailed, "the answer is no HTTP, or its headers are too long"),
    (aiohttp.InvalidURL, UrlRefused, "is no URL that can be asked for"),
)


def as_fetch_error(error: BaseException, url: str) -> FetchError:
    """Our word for one of CLIENT_ERRORS."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return ConnectionFailed(url, f"its certificate is not accepted ({_certificate_fault(error)})")
    for kind, ours, words in _WORDS:
        if isinstance(error, kind):
            return ours(url, words)
    if isinstance(error, aiohttp.ClientConnectorError):
        return _not_connected(error, url)
    if isinstance(error, OSError):
        return ConnectionFailed(url, _words(error))
    return ConnectionFailed(url, f"the request failed ({type(error).__name__})")


def unresolved(url: str, error: OSError) -> HostUnresolved:
    return HostUnresolved(url, f"its host has no address ({_words(error)})")


def _not_connected(error: aiohttp.ClientConnectorError, url: str) -> FetchError:
    cause = error.os_error
    if isinstance(error, aiohttp.ClientProxyConnectionError):
        return ConnectionFailed(url, f"no connection to the proxy ({_words(cause)})")
    if isinstance(cause, RefusedAddress):
        return AddressRefused(url, cause.strerror or "refused")
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return unresolved(url, cause)
    return ConnectionFailed(url, f"no connection ({_words(cause)})")


def _certificate_fault(error: aiohttp.ClientConnectorCertificateError) -> str:
    cause = error.certificate_error
    return cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else "not valid"


def _words(error: OSError) -> str:
    text = error.strerror or type(error).__name__
    return text[:200].replace("\n", " ")
