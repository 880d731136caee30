"""The schema, once: every table, column and index. Instants are milliseconds UTC, money minor units, flags 0
or 1.

Core statements use these tables; `storage.schema.models` maps SQLModel classes onto the few that people edit
and screens show. Keys are integers that grow with time, so that inserts go to the end of each index.
"""

from __future__ import annotations

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMES)

customers = Table(
    "customers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("email", Text),
    Column("phone", Text),
    Column("first_name", Text),
    Column("last_name", Text),
    Column("gender", Text),
    Column("locale", Text),
    Column("timezone", Text),
    Column("country", Text),
    Column("city", Text),
    Column("postal_code", Text),
    Column("birthday", Text),
    Column("registered_at", Integer),
    Column("orders", Integer, nullable=False, server_default="0"),
    Column("revenue", Integer, nullable=False, server_default="0"),
    Column("revenue_gross", Integer, nullable=False, server_default="0"),
    Column("returned", Integer, nullable=False, server_default="0"),
    Column("returns", Integer, nullable=False, server_default="0"),
    Column("units", Integer, nullable=False, server_default="0"),
    Column("first_order_at", Integer),
    Column("last_order_at", Integer),
    Column("last_activity_at", Integer),
    Column(
        "traits", Text, nullable=False, server_default="{}"
    ),  # JSON object, addresses flattened to address.city ...
    Column(
        "detail", Text, nullable=False, server_default="{}"
    ),  # JSON: traits_at, activity, channels, returned_orders
    # The whole profile as it was before the events that the engine has not played yet; NULL where none wait.
    Column("settled", Text),
    Column("settled_until", Integer),
    Column("next_due_at", Integer),
    Column("planned_version", Integer, nullable=False, server_default="0"),
    Column("entries", Text, nullable=False, server_default="{}"),  # JSON: trigger -> [last entry, cause key]
    Column("merged_into", Integer, ForeignKey("customers.id")),
    Column("erased_at", Integer),
    # last and first name, and the city, as `core.sources.text_folding` has them: what a search looks at
    Column("folded_name", Text),
    Column("folded_city", Text),
    Column(
        "joins", Text
    ),  # JSON: [merge, at, [[trigger, at, cause key] ...]] of merges, made or undone, not played yet; NULL: none
    Index("ix_customers_next_due_at", "next_due_at", sqlite_where=text("next_due_at IS NOT NULL")),
    Index("ix_customers_planned_version", "planned_version"),
    # all that a search looks at, so that it never reads the wide rows themselves
    Index(
        "ix_customers_words",
        "folded_name",
        "email",
        "folded_city",
        "postal_code",
        "country",
        "phone",
        "key",
        "merged_into",
        "erased_at",
    ),
    Index("ix_customers_gone", "id", sqlite_where=text("merged_into IS NOT NULL OR erased_at IS NOT NULL")),
    sqlite_strict=True,
)

identities = Table(
    "identities",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", Integer, ForeignKey("customers.id"), nullable=False),
    Column("kind", Text, nullable=False),  # user | email | phone | loyalty | anonymous | push
    Column("value", Text, nullable=False),
    Column("first_seen_at", Integer, nullable=False),
    UniqueConstraint("kind", "value"),
    Index("ix_identities_customer_id", "customer_id"),
    sqlite_strict=True,
)

merges = Table(
    "merges",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("customer_id", Integer, nullable=False),  # who stays
    Column("merged_id", Integer, nullable=False),  # who went into it
    Column("cause", Text, nullable=False),  # "alias", or the shared identity as KIND:VALUE
    Column(
        "moved", Text, nullable=False
    ),  # JSON: identity, enrolment, message, decision, consent ids; the profile before
    Column("undone_at", Integer),
    Index("ix_merges_customer_id", "customer_id"),
    sqlite_strict=True,
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("dedup", LargeBinary, nullable=False),  # 16 bytes: hash of source and message id or natural key
    Column("customer_id", Integer),  # NULL: an act of nobody known, such as a purchase without a customer
    Column("identity_id", Integer),  # through which identity it came, so that a merge can be undone
    Column("kind", Text, nullable=False),  # track | page | identify | alias
    Column("name", Text, nullable=False),
    Column("occurred_at", Integer, nullable=False),
    Column("arrived_at", Integer, nullable=False),
    Column("history", Integer, nullable=False, server_default="0"),
    Column("source", Text, nullable=False),
    Column("channel", Text),
    Column("amount", Integer),
    Column("properties", Text, nullable=False, server_default="{}"),
    Index("uq_events_dedup", "dedup", unique=True),
    Index("ix_events_timeline", "customer_id", "occurred_at", "id"),
    Index("ix_events_orders", "occurred_at", sqlite_where=text("name = 'Order Completed'")),
    sqlite_strict=True,
)

# Events the engine has still to play; intake adds, the tick that plays them removes.
arrivals = Table(
    "arrivals",
    metadata,
    Column("customer_id", Integer, primary_key=True),
    Column("event_id", Integer, primary_key=True),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("purpose", Text, nullable=False),  # "*": every purpose that needs a consent
    Column("state", Text, nullable=False),  # granted | withdrawn | objected
    Column("address", Text),
    Column("occurred_at", Integer, nullable=False),
    Column("arrived_at", Integer, nullable=False),
    Column("source", Text, nullable=False),
    Column("wording", Text),
    Column("proof", Text),
    Column("event_id", Integer),
    Index("ix_consents_customer_id", "customer_id"),
    sqlite_strict=True,
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("medium", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("arrived_at", Integer, nullable=False),
    Column("source", Text, nullable=False),
    UniqueConstraint("medium", "address", "reason"),
    sqlite_strict=True,
)

enrolments = Table(
    "enrolments",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("customer_id", Integer, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("cause_key", Text, nullable=False),
    Column("cause_at", Integer, nullable=False),
    Column("cause_event", Integer),
    Column("key_value", Text),
    Column("entered_at", Integer, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),  # open | done | exited | holdout
    Column("step", Integer, nullable=False),
    Column("planned_at", Integer, nullable=False),
    Column("due_at", Integer),
    Column("waits_for", Text),
    Column("waits_until", Integer),
    Column("last_message_at", Integer),
    Column("resumed_at", Integer),
    Column("ended_at", Integer),
    Column("variant", Text),  # of the trigger's split
    Column("goal_at", Integer),
    Column(
        "waited", Text
    ),  # how the open step's wait for an event ended: event | timeout; NULL: it waits, or waits for none
    Column(
        "held_by", Text
    ),  # whose pause holds the open step: "*", a trigger, channel:NAME, segment:NAME, customer
    Column(
        "shared", Text
    ),  # JSON: the triggers whose steps went in the journey's latest message; NULL: its own alone
    Index("uq_enrolments_cause", "customer_id", "trigger", "cause_key", unique=True),
    Index("ix_enrolments_open", "customer_id", "planned_at", sqlite_where=text("state = 'open'")),
    Index("ix_enrolments_trigger", "trigger", "state", "due_at", "step", "planned_at", "customer_id"),
    Index("ix_enrolments_entered", "trigger", "entered_at"),
    # it says more than the others that know the open ones, so that it is taken by nobody who does not ask for
    # versions
    Index("ix_enrolments_version", "trigger", "version", sqlite_where=text("state = 'open' AND version > 0")),
    sqlite_strict=True,
)

# The outbox and the ledger of contacts in one: a contact counts from the moment its message is planned.
messages = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("customer_id", Integer, nullable=False),
    Column("enrolment_id", Integer, nullable=False),
    Column("trigger", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("channel", Text, nullable=False),
    Column("template", Text, nullable=False),
    Column("address", Text),
    Column(
        "state", Text, nullable=False
    ),  # planned held due claimed sent delivered bounced complained cancelled failed expired uncertain
    Column("reason", Text),
    Column("planned_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    Column("sent_at", Integer),
    Column("subject", Text),
    Column("error", Text),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("claimed_by", Text),
    Column("claimed_until", Integer),
    Column("provider_id", Text),
    # the contact, as it was when it was planned
    Column("lands_at", Integer, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("tags", Text, nullable=False, server_default=""),  # space-separated
    Column("weight", Integer, nullable=False),  # thousandths of a point
    Column("counts", Integer, nullable=False),
    Column("released_at", Integer),  # cancelled, or failed before hand-over: gives its room back from here on
    Column(
        "digest", Text
    ),  # JSON: all steps that it carries, its own first (storage/outbox/digests.py); NULL: its own alone
    Index("ix_messages_contacts", "customer_id", "lands_at"),
    Index(
        "ix_messages_waiting",
        "state",
        "planned_at",
        sqlite_where=text("state IN ('planned', 'held', 'due', 'claimed')"),
    ),
    Index("ix_messages_trigger", "trigger", "planned_at"),
    Index(
        "ix_messages_trouble", "state", "planned_at", sqlite_where=text("state IN ('failed', 'uncertain')")
    ),
    Index("ix_messages_sent", "trigger", "sent_at", "channel", sqlite_where=text("sent_at IS NOT NULL")),
    # the columns of the condition are in it as well, or SQLite reads every row to judge it
    Index(
        "ix_messages_landing",
        "lands_at",
        "customer_id",
        "counts",
        "released_at",
        sqlite_where=text("counts = 1 AND released_at IS NULL"),
    ),
    sqlite_strict=True,
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("customer_id", Integer, nullable=False),
    Column("enrolment_id", Integer),
    Column("trigger", Text, nullable=False),
    Column("step", Integer, nullable=False),
    Column("channel", Text),
    Column("outcome", Text, nullable=False),
    Column("reason", Text),
    Column("until", Integer),
    Column("late", Integer, nullable=False, server_default="0"),
    Column("planned_at", Integer, nullable=False),
    Column("rules", Text),  # JSON as `decisions --json` shows it
    Column("objections", Text),  # JSON: [reason, detail, until] each
    Column("message_id", Integer),
    Column("version", Integer, nullable=False),
    Column("variant", Text),
    Column("note", Text),  # what else led here, in words
    Index("ix_decisions_at", "at"),
    Index("ix_decisions_customer_id", "customer_id", "at"),
    Index("ix_decisions_trigger", "trigger", "at", "outcome", "reason"),
    sqlite_strict=True,
)

# Versions of the files that were put in force.
playbooks = Table(
    "playbooks",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("applied_at", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("files", Text, nullable=False),  # JSON: relative path -> text
    Column("summary", Text, nullable=False),
    # JSON: changed trigger -> what happens to who is under way in it: finish | move | leave | retire; NULL:
    # nothing changed for anybody
    Column("under_way", Text),
    # all that is asked of it, so that the long texts of the files are not read
    Index(
        "ix_playbooks_under_way",
        "version",
        "applied_at",
        "under_way",
        sqlite_where=text("under_way IS NOT NULL"),
    ),
    sqlite_strict=True,
)

triggers = Table(
    "triggers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("title", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("activated_at", Integer),  # since when its instants fire; NULL: never active yet
    Column("version", Integer, nullable=False),
    sqlite_strict=True,
)

pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True),
    Column(
        "trigger", Text, nullable=False
    ),  # "*": the emergency stop; else a trigger, channel:NAME, segment:NAME or customer:KEY
    Column("since", Integer, nullable=False),
    Column("until", Integer),
    Column("policy", Text, nullable=False),
    Column("transactional", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
    Column("author", Text, nullable=False),
    Column("customer_id", Integer),
    Index("ix_pauses_trigger", "trigger"),
    sqlite_strict=True,
)

audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("author", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("reason", Text),
    Column("detail", Text, nullable=False, server_default="{}"),
    Index("ix_audit_at", "at"),
    Index("ix_audit_subject", "subject"),
    sqlite_strict=True,
)

imports = Table(
    "imports",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Integer, nullable=False),
    Column("path", Text, nullable=False),
    Column("profile", Text),
    Column("lines", Integer, nullable=False),
    Column("taken", Integer, nullable=False),
    Column("duplicate", Integer, nullable=False),
    Column("rejected", Integer, nullable=False),
    Column("finished", Integer, nullable=False),
    sqlite_strict=True,
)

# Who may do a job that only one process may do; `term` grows with each holder, so that one who was replaced
# can be told.
leases = Table(
    "leases",
    metadata,
    Column("name", Text, primary_key=True),
    Column("owner", Text, nullable=False),
    Column("term", Integer, nullable=False),
    Column("since", Integer, nullable=False),
    Column("renewed_at", Integer, nullable=False),
    Column("expires_at", Integer, nullable=False),
    sqlite_strict=True,
)

# Facts about the workspace as a whole: schema_version, simulated_at, last_tick_at, last_dispatch_at ...
facts = Table(
    "facts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)
