"""The webhook channel: one signed call per message, by the rules of Standard Webhooks 1.0.0.

The receiver knows a message again by its `webhook-id`, which never changes, so a call whose end is not known
may be repeated.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self
from urllib.parse import urlsplit

from console.channels._network import is_host, trusted
from console.channels._record import record
from console.secrets import read_secrets
from core.errors import ManometerError
from core.instants import DAY, SECOND, Instant, Millis, parse_duration
from core.model.configurable import Setting, SettingFault
from core.model.delivery import (
    Accepted,
    ConfigError,
    Outbound,
    Permanent,
    Result,
    Retry,
)
from core.playbook.playbook import Channel

if (
    TYPE_CHECKING
):  # httpx takes a seventh of a second to import, which a command that only reads the settings need not spend
    from console.channels._http import CallError, Port, Reply

PART: Final = "webhook.json"
PREFIX: Final = "whsec_"
TYPE: Final = "message.due"
"""The `type` of a call whose body no template makes."""
MOST_SILENT: Final = 3
"""So many calls in a row without an answer, and it lies with the endpoint."""
_LATER: Final = frozenset({408, 425, 500, 502, 503, 504})


class WebhookChannel:
    """Posts to one address over one connection a batch."""

    kind: ClassVar[str] = "webhook"
    idempotent_by_key: ClassVar[bool] = True
    is_remote: ClassVar[bool] = True
    offers_unsubscribe: ClassVar[bool] = False
    known_settings: ClassVar[tuple[Setting, ...] | None] = (
        Setting(
            "url", "text", 'the address to call, such as "https://hooks.example.com/manometer"', required=True
        ),
        Setting(
            "secret",
            "secrets",
            'what calls are signed with: { env = "NAME" } or { file = "PATH" }',
            required=True,
        ),
        Setting("allow_hosts", "texts", "hosts that may be private, or called without encryption"),
        Setting("ca_file", "text", "certificates of the authorities to trust instead of the system's"),
        Setting("timeout", "length", "the longest a call may take"),
    )

    @classmethod
    def setting_faults(cls, settings: Mapping[str, object]) -> Iterator[SettingFault]:
        """An address that cannot or must not be called."""
        fault = _address_fault(str(settings.get("url", "")), _allowed(settings))
        if fault is not None:
            yield SettingFault("url", f"`url` cannot be called: {fault[0]}", fault[1])

    def __init__(self, channel: Channel, folder: Path) -> None:
        settings: Mapping[str, Any] = channel.settings
        self.name = channel.name
        self.folder = folder
        self.settings = settings
        self.url = str(settings["url"])
        self.timeout = parse_duration(str(settings.get("timeout", "15s"))) / 1000
        self.silent = 0

    def __enter__(self) -> Self:
        from console.channels._http import CallError, HttpxPort  # see above

        what = f"channels.{self.name}: secret"
        self.keys = tuple(
            _key(secret, what) for secret in read_secrets(self.settings["secret"], what, self.folder)
        )
        self.port: Port = HttpxPort(
            self.timeout,
            _allowed(self.settings),
            trusted(self.settings.get("ca_file"), self.name, self.folder),
        )
        self.failure = CallError
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.port.close()

    def flush(self) -> None:
        """What was accepted is the receiver's."""

    def interrupt(self) -> None:
        """End the call that is under way, from any thread; later ones fail at once."""
        self.port.interrupt()

    def send(self, outbound: Outbound) -> Result:
        """Post one message."""
        body = _body(outbound)
        try:
            reply = self.port.post(self.url, self._headers(outbound, body), body)
        except self.failure as failure:
            return self._unanswered(failure)
        self.silent = 0
        return outcome(reply, outbound.sent_at)

    def _headers(self, outbound: Outbound, body: bytes) -> dict[str, str]:
        stamp = str(outbound.sent_at // SECOND)
        return {
            "content-type": "application/json",
            "user-agent": "manometer",
            "webhook-id": outbound.key,
            "webhook-timestamp": stamp,
            "webhook-signature": signatures(self.keys, outbound.key, stamp, body),
        }

    def _unanswered(self, failure: CallError) -> Result:
        reason = f"{urlsplit(self.url).hostname}: {failure.reason}"
        if failure.cause == "settings":
            return ConfigError(reason)
        if failure.cause == "unreachable":
            return Retry(reason, whole_channel=True)
        self.silent += 1
        return Retry(reason, whole_channel=self.silent >= MOST_SILENT)


def signatures(keys: Sequence[bytes], key: str, stamp: str, body: bytes) -> str:
    """What each key signs of a call, so that a receiver who knows any of them can check it."""
    signed = f"{key}.{stamp}.".encode() + body
    return " ".join(
        f"v1,{base64.b64encode(hmac.digest(secret, signed, hashlib.sha256)).decode()}" for secret in keys
    )


def outcome(reply: Reply, now: Instant) -> Result:
    """What an answer means."""
    status = reply.status
    if 200 <= status < 300:
        return Accepted(_provider_id(reply.body))
    after = _retry_after(reply.headers.get("retry-after"), now)
    if status == 429:
        return Retry("429: too many calls", after, whole_channel=True)
    if status in _LATER or status >= 500:
        return Retry(f"{status} from the endpoint", after)
    if status == 410:
        return ConfigError("410: the endpoint is gone for good", of_message=True)
    if status < 400:
        return ConfigError(
            f"{status}: the endpoint points elsewhere, which is not followed. Write its final address as "
            "`url`.",
            of_message=True,
        )
    return Permanent(f"{status} from the endpoint")


def _provider_id(body: bytes) -> str | None:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    name = found.get("id") if isinstance(found, dict) else None
    return str(name)[:200] if isinstance(name, str | int) and not isinstance(name, bool) else None


def _retry_after(value: str | None, now: Instant) -> Millis | None:
    """The wait that a header asks for, in seconds or until a date; a day at most."""
    if value is None:
        return None
    if value.strip().isdecimal():
        return min(int(value.strip()[:9]) * SECOND, DAY)
    try:
        until = int(parsedate_to_datetime(value).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return min(max(until - now, 0), DAY)


def _body(outbound: Outbound) -> bytes:
    """What the template made, else the message in the usual envelope."""
    if PART in outbound.parts:
        text = outbound.parts[PART]
    else:
        made = record(outbound)
        text = json.dumps(
            {"type": TYPE, "timestamp": made["sent_at"], "data": made},
            ensure_ascii=False,
            separators=(",", ":"),
        )
    return text.encode(errors="backslashreplace")


# ---- settings ----


def _allowed(settings: Mapping[str, object]) -> tuple[str, ...]:
    hosts = settings.get("allow_hosts", ())
    several = (hosts,) if isinstance(hosts, str) else hosts
    return tuple(str(host).lower() for host in several) if isinstance(several, list | tuple) else ()


def _address_fault(url: str, allowed: Sequence[str]) -> tuple[str, str] | None:
    """What is wrong with the address, and what to do; None where it can be called."""
    usual = 'Write one such as "https://hooks.example.com/manometer".'
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "it is no address", usual
    if (
        parts.scheme not in ("http", "https")
        or not parts.hostname
        or port == 0
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        return "it is no address of the web", usual
    if not is_host(parts.hostname):
        return f"{parts.hostname!r} cannot be the name of a host", usual
    if parts.username is not None:
        return "it holds a user name", "Leave it out; calls are signed."
    if parts.scheme == "http" and parts.hostname not in allowed:
        return (
            "it is not encrypted",
            f'Write https; where the network is your own, allow_hosts = ["{parts.hostname}"].',
        )
    return None


def _key(secret: str, what: str) -> bytes:
    """The bytes of `whsec_` and base64; ManometerError where it is none, or too short to be safe."""
    remedy = "Make one with `openssl rand -base64 32`, and write whsec_ before it."
    if not secret.startswith(PREFIX):
        raise ManometerError(f"{what}: it does not begin with {PREFIX}. {remedy}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ManometerError(f"{what}: what follows {PREFIX} is not base64. {remedy}") from None
    if not 24 <= len(key) <= 64:
        raise ManometerError(f"{what}: it has {len(key)} bytes, and must have 24 to 64. {remedy}")
    return key
