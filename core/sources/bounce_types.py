"""Bounces as mail providers name them, to hard and soft, from one table.

Sources, each the provider's public documentation of its events:

- Postmark, bounce webhook and bounce types: https://postmarkapp.com/developer/webhooks/bounce-webhook
- SendGrid, event webhook, `type` (bounce, blocked) and `bounce_classification`:
  https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/event
- Mailgun, events, `severity` and `reason`:
https://documentation.mailgun.com/docs/mailgun/user-manual/events/events
- Amazon SES, bounce types and subtypes:
  https://docs.aws.amazon.com/ses/latest/dg/notification-contents.html#bounce-types
- Mailchimp Transactional (Mandrill), webhooks, `hard_bounce`, `soft_bounce` and `bounce_description`:
  https://mailchimp.com/developer/transactional/docs/webhooks/
- Brevo, transactional webhooks: https://developers.brevo.com/docs/transactional-webhooks
- SparkPost, webhook events and their `bounce_class`:
  https://developers.sparkpost.com/api/webhooks/#header-webhook-event-types
- Mailjet, event API with its table of errors: https://dev.mailjet.com/email/guides/webhooks/
- Klaviyo (`Bounce Type`), Braze, Iterable and the email part of the Segment specification say hard and soft
- status codes: RFC 3463 and https://www.iana.org/assignments/smtp-enhanced-status-codes

Hard is what the provider says proves that the address does not exist or takes no mail. What blocks the
sender, the content or the moment is soft: it is counted, and suppresses only when it goes on.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

BounceKind: TypeAlias = Literal["hard", "soft", "complaint", "other"]
"""`other` is feedback that is no bounce at all: an auto-reply, an unsubscription, a fault of the sender's
own.
"""


@dataclass(frozen=True, slots=True)
class BounceReading:
    """What a report of a bounce comes to."""

    kind: BounceKind
    unknown: str | None = None
    """The type it names, where no table knows it; to be reported."""


def read_bounce(properties: Mapping[str, object]) -> BounceReading:
    """Reads the properties of a bounce event. A type decides before a status code, and that before a type
    such as `undetermined`. Types that contradict each other, unknown ones, and an SMTP 5xx without a 5.1.x
    are soft; no type and no code is hard.
    """
    named = _named_types(properties)
    telling = [(key, word) for key, word in named if _squeezed(word) not in _SAYS_LITTLE]
    known = {_kind_of(key, word) for key, word in telling}
    by_type = next((kind for kind in _FIRST_OF_SEVERAL if kind in known), None)
    by_status = kind_of_status(*(properties[key] for key in _STATUS_KEYS if key in properties))
    unknown = next((str(word)[:80] for key, word in telling if _is_unknown(key, word)), None)
    is_vague = unknown is not None or len(telling) < len(named)
    return BounceReading(by_type or by_status or ("soft" if is_vague else "hard"), unknown)


_FIRST_OF_SEVERAL: Final[tuple[BounceKind, ...]] = ("complaint", "soft", "hard", "other")
"""Which of several named types holds: soft before hard, since one that is doubted proves nothing."""


def kind_of_status(*texts: object) -> BounceKind | None:
    """Hard or soft by the first SMTP status found in the texts, an enhanced one (RFC 3463) before a reply
    code: 5.1.x is hard where it speaks of the recipient, everything else soft. None where there is no status.
    """
    for pattern in (_ENHANCED, _REPLY):
        for text in texts:
            if isinstance(text, (str, int)) and (found := pattern.search(str(text))):
                status = found[0]
                return "hard" if status.startswith("5.1.") and status not in _OF_THE_SENDER else "soft"
    return None


# ---- the table ----

_TABLE: Final[tuple[tuple[str, BounceKind, str], ...]] = (
    ("anyone", "hard", """
        hard, hard bounce, hardbounce, permanent, permanent failure, permanent bounce, perm, invalid,
        undeliverable
    """),
    ("anyone", "soft", """
        soft, soft bounce, softbounce, transient, transient failure, transient bounce, temporary,
        temporary failure, temp, deferred, deferral, delayed, delay, retry, soft bounced
    """),
    ("anyone", "complaint", "complaint, complained, spam complaint, spam report, abuse, feedback loop, fbl"),
    ("Postmark", "hard", "HardBounce, BadEmailAddress"),
    ("Postmark", "soft", """
        SoftBounce, Transient, DnsError, Blocked, DMARCPolicy, Unknown, Undeterminate,
        VirusNotification, ManuallyDeactivated, SMTPApiError, OpenRelayTest
    """),
    ("Postmark", "complaint", "SpamComplaint, SpamNotification"),
    ("Postmark", "other", """
        Unsubscribe, Subscribe, AutoResponder, AddressChange, ChallengeVerification, Unconfirmed,
        InboundError, TemplateRenderingFailed, ManualSuppression
    """),
    ("SendGrid", "hard", "Invalid Address, Bounced Address, invalid"),
    ("SendGrid", "soft", """
        blocked, block, Technical, Content, Reputation, Frequency/Volume, Mailbox Unavailable,
        Unclassified, expired
    """),
    ("SendGrid", "complaint", "spamreport"),
    ("SendGrid", "other", "Unsubscribed Address"),
    ("Mailgun", "hard", "suppress-bounce, hardfail"),
    ("Mailgun", "soft", "temporary, generic, greylist, espblock, old"),
    ("Mailgun", "complaint", "complained, suppress-complaint"),
    ("Mailgun", "other", "suppress-unsubscribe"),
    ("SES", "hard", "Permanent, NoEmail, OnAccountSuppressionList, Suppressed"),
    ("SES", "soft", """
        Transient, Undetermined, MailboxFull, MessageTooLarge, ContentRejected, AttachmentRejected,
        CustomTimeoutExceeded, General
    """),
    ("SES", "other", "UnsubscribedRecipient"),
    ("Mandrill", "hard", "hard_bounce, bad_mailbox, invalid_domain"),
    ("Mandrill", "soft", "soft_bounce, mailbox_full, general, relay_denied, reject, invalid_sender"),
    ("Mandrill and Mailjet", "complaint", "spam, spam reporter"),
    ("Brevo", "hard", "hard_bounce, hardBounce, hardBounces, invalid_email, invalid, error_invalid"),
    ("Brevo", "soft", "soft_bounce, softBounce, softBounces, blocked, deferred, error"),
    ("Brevo", "complaint", "complaint, spam"),
    ("SparkPost", "hard", "Invalid Recipient, No RCPT, Generic Bounce: No RCPT"),
    ("SparkPost", "soft", """
        Soft Bounce, DNS Failure, Mailbox Full, Too Large, Timeout, Admin Failure, Generic Bounce, Mail
        Block, Spam Block, Spam Content, Prohibited Attachment, Relaying Denied, Transient Failure,
        Undetermined, Admin
    """),
    ("SparkPost", "other", "Auto-Reply, Challenge-Response"),
    ("Mailjet", "hard", "user unknown, mailbox inactive, invalid domain, no mail host, typofix"),
    ("Mailjet", "soft", """
        quota exceeded, blacklisted, relay/access denied, greylisted, sender blocked, content blocked,
        policy issue, preblocked, duplicate in campaign, system issue, protocol issue, connection issue
    """),
    ("others", "hard", """
        recipient unknown, unknown user, unknown recipient, user_unknown, mailbox not found, no such
        user, bad_destination, inactive_recipient, bad domain, domain not found, hard bounced
    """),
    ("others", "soft", """
        full, over quota, mailbox over quota, quota issues, inbox full, spam related, policy related,
        timed out, challenge, connection, unable to connect, unknown, undefined, other, out of office
    """),
)  # fmt: skip
"""Who writes it, what it is, and the words."""
_NAMES_NO_TYPE: Final = frozenset(
    {"", "bounce", "bounced", "failed", "failure", "rejected", "outofband", "email", "dropped"}
)
"""Words that repeat the event's own name; SendGrid's `bounce` is one, as hard as a bounce without a type."""
_POSTMARK_CODES: Final[Mapping[int, BounceKind]] = {
    1: "hard", 2: "soft", 16: "other", 32: "other", 64: "other", 128: "other", 256: "soft", 512: "complaint",
    1024: "soft", 2048: "soft", 4096: "soft", 8192: "soft", 16384: "other", 100000: "hard",
    100001: "complaint", 100002: "soft", 100003: "other", 100006: "soft", 100007: "soft", 100008: "other",
    100009: "soft", 100010: "other",
}  # fmt: skip
_SPARKPOST_CLASSES: Final[Mapping[int, BounceKind]] = {
    1: "soft", 10: "hard", 20: "soft", 21: "soft", 22: "soft", 23: "soft", 24: "soft", 25: "soft", 30: "hard",
    40: "soft", 50: "soft", 51: "soft", 52: "soft", 53: "soft", 54: "soft", 60: "other", 70: "soft",
    80: "other", 90: "other", 100: "other",
}  # fmt: skip
_NUMBERED: Final[Mapping[str, Mapping[int, BounceKind]]] = {
    "typecode": _POSTMARK_CODES, "bounceclass": _SPARKPOST_CLASSES,
}  # fmt: skip
_FLAGS: Final[Mapping[str, tuple[BounceKind, BounceKind]]] = {
    "hardbounce": ("hard", "soft"), "ishard": ("hard", "soft"), "permanent": ("hard", "soft"),
    "softbounce": ("soft", "hard"),
}  # fmt: skip
"""Properties that are true or false (Mailjet's `hard_bounce`), with what each means."""
_TYPE_KEYS: Final = frozenset({
    "bouncetype", "bouncesubtype", "bouncecategory", "bounceclassification", "bouncedescription",
    "bounceclass", "severity", "type", "typecode", "subtype",
})  # fmt: skip
_REASON_KEYS: Final = frozenset({"reason", "error", "errorrelatedto", "event", "bouncereason"})
"""Of these only known words count: they are prose as often as types."""
_STATUS_KEYS: Final = (
    "status", "smtp_status", "smtpStatus", "enhanced_status", "enhanced_code", "status_code", "statusCode",
    "code", "smtp_code", "smtpCode", "error_code", "errorCode", "bounce_code", "diagnostic", "diagnosticCode",
    "diagnostic_code", "diag", "response", "smtp_response", "reason", "raw_reason", "error", "description",
    "bounce_reason", "details", "Details", "message",
)  # fmt: skip
_ENHANCED: Final = re.compile(r"(?<![0-9.])[45]\.[0-9]{1,3}\.[0-9]{1,3}(?![0-9.]*[0-9])")
_REPLY: Final = re.compile(r"(?<![0-9.])[45][0-5][0-9](?![0-9.]*[0-9])")
_OF_THE_SENDER: Final = frozenset({"5.1.7", "5.1.8"})
"""The only codes of 5.1 that speak of the sender's address."""
_NOT_IN_A_WORD: Final = re.compile(r"[^a-z0-9]+")


def _squeezed(word: object) -> str:
    return _NOT_IN_A_WORD.sub("", str(word)[:80].lower())


_KINDS: Final[Mapping[str, BounceKind]] = {
    _squeezed(word): kind for _, kind, words in _TABLE for word in words.split(",")
}
_SAYS_LITTLE: Final = frozenset({"general", "generic", "undetermined", "unknown", "other", "undefined"})
"""Types that add nothing to another beside them, nor to a status: SES has a General of each."""


def _named_types(properties: Mapping[str, object]) -> list[tuple[str, object]]:
    """The types a report names, each with its key."""
    named = [(_squeezed(key), value) for key, value in properties.items() if value is not None]
    return [
        (key, value)
        for key, value in named
        if key in _TYPE_KEYS
        or (key in _REASON_KEYS and _squeezed(value) in _KINDS)
        or (key in _FLAGS and isinstance(value, bool))
    ]


def _kind_of(key: str, word: object) -> BounceKind | None:
    if isinstance(word, bool):
        return _FLAGS[key][0 if word else 1] if key in _FLAGS else None
    if key in _NUMBERED and (number := str(word).strip()[:9]).isdecimal():
        return _NUMBERED[key].get(int(number))
    return _KINDS.get(_squeezed(word))


def _is_unknown(key: str, word: object) -> bool:
    return key in _TYPE_KEYS and _squeezed(word) not in _NAMES_NO_TYPE and _kind_of(key, word) is None
