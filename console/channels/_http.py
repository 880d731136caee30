"""One call over HTTP: the port through which channels post, and httpx behind it.

A host is resolved once for a connection, its addresses are judged, and the very one that passed is connected
to, with the name kept for TLS and the Host header: nobody can answer the check with one address and the call
with another. Nothing is taken from the environment, no redirect is followed, and a call ends after so long,
however slowly the other side or the resolver talks.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from types import TracebackType
from typing import Any, Final, Literal, Protocol, Self

import httpcore
import httpx

from console.channels._network import Deadline, LineCutter
from console.channels._network import addresses as addresses_of

LONGEST_ANSWER: Final = 64 * 1024
"""Bytes of an answer that are read."""
CONNECTING: Final = 10.0
"""Seconds at most to reach an address."""
_EMBEDDING: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))
"""Networks whose last four bytes are an address of version 4."""

Cause = Literal["settings", "unreachable", "silent"]


class CallError(Exception):
    """There is no answer: the settings are at fault, the host was not reached, or it was and did not
    answer.
    """

    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    """What the other side answered; names of headers in lower case, the body cut at `LONGEST_ANSWER`."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Port(Protocol):
    """What a channel needs of HTTP."""

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """The answer to a call; CallError where there is none."""
        ...

    def close(self) -> None:
        """Give the connections back."""
        ...

    def interrupt(self) -> None:
        """End the call that is under way, from any thread; later ones fail at once."""
        ...


def is_public(address: str) -> bool:
    """Whether an IP address is one of the internet: not private, loopback, link-local, metadata, multicast,
    or one of those in disguise.
    """
    ip = ip_address(address.partition("%")[0])
    if isinstance(ip, IPv6Address):
        inner = _embedded(ip)
        if inner is not None:
            return is_public(str(inner))
        if ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    return IPv4Address(ip.packed[-4:]) if any(ip in network for network in _EMBEDDING) else None


class HttpxPort:
    """Calls by httpx, at most `timeout` seconds each; hosts in `allowed` may be private."""

    def __init__(self, timeout: float, allowed: Collection[str], tls: ssl.SSLContext) -> None:
        self._timeout = timeout
        self._deadline = Deadline()
        self._cutter = LineCutter()
        backend = _Backend(frozenset(name.lower() for name in allowed), self._deadline, self._cutter)
        self._client = httpx.Client(
            transport=_Transport(backend, tls),
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECTING)),
            follow_redirects=False,
            trust_env=False,
        )

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """As the port says."""
        self._deadline.begin(self._timeout)
        try:
            with self._client.stream("POST", url, headers=dict(headers), content=body) as response:
                return Reply(response.status_code, dict(response.headers), _beginning(response))
        except CallError:
            raise
        except (httpx.InvalidURL, UnicodeError):  # a name that no resolver can be asked for
            raise CallError("settings", "that cannot be the name of a host") from None
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            raise _not_reached(error) from None
        except (httpcore.TimeoutException, TimeoutError):
            raise CallError("silent", "no answer in time") from None
        except (httpcore.NetworkError, httpcore.ProtocolError, httpx.HTTPError, OSError) as error:
            raise CallError("silent", f"the line broke: {str(error) or type(error).__name__}") from None

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()
        self._cutter.release()

    def interrupt(self) -> None:
        """As the port says."""
        self._cutter.cut()


def _beginning(response: httpx.Response) -> bytes:
    body = b""
    for chunk in response.iter_raw():
        body += chunk
        if len(body) >= LONGEST_ANSWER:
            break
    return body[:LONGEST_ANSWER]


def _not_reached(error: Exception) -> CallError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return CallError("settings", f"its certificate is not trusted: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            return CallError("settings", f"no encrypted line could be made: {cause.reason or cause}")
        cause = cause.__cause__ or cause.__context__
    return CallError("unreachable", str(error) or "no connection in time")


# ---- how httpx gets its connections ----


class _Backend(httpcore.NetworkBackend):
    """Connects to addresses that were judged."""

    def __init__(self, allowed: frozenset[str], deadline: Deadline, cutter: LineCutter) -> None:
        self._allowed = allowed
        self._deadline = deadline
        self._cutter = cutter
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        failed: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in self._addresses(host, port):
            try:
                within = self._deadline.within(timeout)
                stream = self._sockets.connect_tcp(address, port, within, local_address, socket_options)
                return self._held(stream)
            except (httpcore.ConnectError, httpcore.ConnectTimeout, TimeoutError) as error:
                failed = error
        raise httpcore.ConnectTimeout("no connection in time") if isinstance(failed, TimeoutError) else failed

    def _held(self, stream: httpcore.NetworkStream) -> httpcore.NetworkStream:
        try:
            self._cutter.hold(stream.get_extra_info("socket"))
        except OSError as error:
            stream.close()
            raise httpcore.ConnectError(str(error)) from error
        return _Timed(stream, self._deadline, self._cutter)

    def _addresses(self, host: str, port: int) -> list[str]:
        try:
            found = addresses_of(host, port, self._deadline.within(CONNECTING))
        except socket.gaierror as error:
            cause: Cause = "unreachable" if error.errno == socket.EAI_AGAIN else "settings"
            raise CallError(cause, f"there is no host of the name {host!r}: {error.strerror}") from None
        except TimeoutError as error:
            raise CallError("unreachable", f"{host!r}: {error.strerror or 'not reached in time'}") from None
        addresses = [str(place[0]) for _, place in found]
        if host.lower() in self._allowed:
            return addresses
        public = [address for address in addresses if is_public(address)]
        if not public:
            remedy = f'Where that is meant, write allow_hosts = ["{host}"].'
            raise CallError(
                "settings", f"{host!r} leads to {addresses[0]}, which is no address of the internet. {remedy}"
            )
        return public


class _Timed(httpcore.NetworkStream):
    """A stream whose waits all end with the call's own time."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline, cutter: LineCutter) -> None:
        self._stream = stream
        self._deadline = deadline
        self._cutter = cutter

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.within(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.within(timeout))

    def close(self) -> None:
        self._cutter.release()
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Timed(
            self._stream.start_tls(ssl_context, server_hostname, self._deadline.within(timeout)),
            self._deadline,
            self._cutter,
        )

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _Transport(httpx.BaseTransport):
    """httpx's own transport, but for the way to a connection."""

    def __init__(self, backend: httpcore.NetworkBackend, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.ConnectionPool(
            ssl_context=tls, network_backend=backend, max_connections=1, retries=0
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None = None,
        exc_value: BaseException | None = None,
        traceback: TracebackType | None = None,
    ) -> None:
        self.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        at = request.url
        url = httpcore.URL(scheme=at.raw_scheme, host=at.raw_host, port=at.port, target=at.raw_path)
        response = self._pool.handle_request(
            httpcore.Request(
                request.method,
                url,
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        assert isinstance(response.stream, Iterable)
        return httpx.Response(
            response.status,
            headers=response.headers,
            stream=_Stream(response.stream),
            extensions=response.extensions,
        )

    def close(self) -> None:
        self._pool.close()


class _Stream(httpx.SyncByteStream):
    """The body of an answer as httpx wants it."""

    def __init__(self, stream: Iterable[bytes]) -> None:
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        getattr(self._stream, "close", lambda: None)()
