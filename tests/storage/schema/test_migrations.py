"""The schema's versions: they add up to the classes of the schema, and a step that fails changes nothing."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from storage.audit import record
from storage.audit_proof import anchor, prove
from storage.schema.migrations import MIGRATIONS, NEWEST, Migration, migrate, version_of
from storage.schema.row import metadata
from storage.sqlite import StoreError, dbapi
from storage.store import Store
from tests.storage.schema_classes import all_classes


def schema_of(path: Path) -> set[str]:
    raw = dbapi.connect(str(path))
    try:
        return {
            " ".join(sql.split())
            for (sql,) in raw.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")
        }
    finally:
        raw.close()


def newest_triggers() -> Iterable[str]:
    """The statement that made each trigger last."""
    statements = [statement for migration in MIGRATIONS for statement in migration.statements()]
    made = (statement for statement in statements if statement.startswith("CREATE TRIGGER"))
    return {statement.split()[2]: statement for statement in made}.values()


def test_the_schema_from_migrations_equals_the_schema_from_metadata(tmp_path: Path) -> None:
    assert all_classes()
    Store.create(tmp_path / "migrated.db").close()
    engine = create_engine(f"sqlite:///{tmp_path / 'metadata.db'}", module=dbapi)
    with engine.begin() as connection:
        metadata.create_all(connection)
        for trigger in newest_triggers():
            connection.exec_driver_sql(trigger)
    engine.dispose()
    assert schema_of(tmp_path / "migrated.db") == schema_of(tmp_path / "metadata.db")


def test_versions_grow_by_one_from_the_first() -> None:
    assert [migration.version for migration in MIGRATIONS] == list(range(1, NEWEST + 1))


def test_migrating_twice_changes_nothing(tmp_path: Path) -> None:
    Store.create(tmp_path / "shop.db").close()
    assert migrate(tmp_path / "shop.db") == (NEWEST, NEWEST)


def test_customers_of_the_first_schema_are_found_without_accents_after_the_second(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    migrate(path, to=1)
    raw = dbapi.connect(str(path))
    raw.execute(
        "INSERT INTO customers (key, first_name, last_name, city) VALUES ('u1', 'Zoé', 'Müller', 'Genève'), "
        "('u2', NULL, NULL, '')"
    )
    raw.commit()
    assert migrate(path) == (1, NEWEST)
    rows = raw.execute("SELECT folded_name, folded_city FROM customers ORDER BY key").fetchall()
    raw.close()
    assert rows == [("muller zoe\nmueller zoe", "geneve"), (None, None)]


def test_who_was_merged_into_another_is_no_longer_planned_after_the_third_schema(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    migrate(path, to=2)
    raw = dbapi.connect(str(path))
    raw.execute(
        "INSERT INTO customers (key, planned_version, merged_into) VALUES ('u1', 1, NULL), ('merged:2', 1, 1)"
    )
    raw.commit()
    assert migrate(path) == (2, NEWEST)
    rows = raw.execute("SELECT key FROM customers WHERE planned_version < 2").fetchall()
    raw.close()
    assert rows == [("u1",)]


def test_what_lists_said_before_the_fourth_schema_is_their_last_word_after_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    migrate(path, to=3)
    raw = dbapi.connect(str(path))
    raw.execute("INSERT INTO customers (id, key) VALUES (1, 'u1')")
    raw.execute("INSERT INTO identities VALUES (7, 1, 'user', 'u1', 0)")
    raw.execute(
        "INSERT INTO events (id, dedup, customer_id, identity_id, kind, name, occurred_at, arrived_at, "
        "source, properties) "
        "VALUES (5, x'00', 1, 7, 'identify', 'identify', 10, 20, 'crm', '{\"email\":\"a@x.ch\"}')"
    )
    raw.execute(
        "INSERT INTO consents VALUES (1, 1, 'email', '*', 'granted', NULL, 10, 20, 'shop', NULL, NULL, 5)"
    )
    raw.execute("INSERT INTO suppressions VALUES (1, 'email', 'a@x.ch', 'bounce', 20, 's')")
    raw.commit()
    assert migrate(path) == (3, NEWEST)
    listed = raw.execute(
        "SELECT identity_id, source, address, state, said_at FROM listed_consents"
    ).fetchall()
    kept = raw.execute("SELECT address, arrived_at, lifted_at FROM suppressions").fetchall()
    raw.close()
    assert (listed, kept) == ([(7, "crm", "a@x.ch", "granted", 10)], [("a@x.ch", 20, None)])


def test_a_migration_that_fails_leaves_the_version_before_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    Store.create(path).close()
    before = schema_of(path)
    broken = Migration(
        NEWEST + 1, lambda: ("CREATE TABLE extra (id INTEGER)", "CREATE TABLE extra (id INTEGER)")
    )
    with pytest.raises(StoreError, match="cannot be laid"):
        migrate(path, to=NEWEST + 1, migrations=(*MIGRATIONS, broken))
    assert (version_of(path), schema_of(path)) == (NEWEST, before)


_ORPHAN = (
    "INSERT INTO identities (id, customer_id, kind, value, first_seen_at) VALUES (1, 99, 'user', 'u', 0)"
)


def test_a_migration_that_leaves_orphans_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    Store.create(path).close()
    orphan = Migration(NEWEST + 1, lambda: (_ORPHAN,))
    with pytest.raises(StoreError, match="lose their parent"):
        migrate(path, to=NEWEST + 1, migrations=(*MIGRATIONS, orphan))
    assert version_of(path) == NEWEST


def test_an_older_database_is_backed_up_and_brought_up_when_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.db"
    Store.create(path).close()
    added = Migration(NEWEST + 1, lambda: ("ALTER TABLE facts ADD COLUMN extra TEXT",))
    monkeypatch.setattr("storage.schema.migrations.NEWEST", NEWEST + 1)
    monkeypatch.setattr(migrate, "__kwdefaults__", {"to": NEWEST + 1, "migrations": (*MIGRATIONS, added)})
    with pytest.raises(StoreError, match="needs"):
        Store.open(path, writer=False)
    Store.open(path).close()
    assert version_of(path) == NEWEST + 1
    assert version_of(tmp_path / f"shop-schema-{NEWEST}.db") == NEWEST


def test_what_operators_did_before_is_carried_over_as_a_chain(tmp_path: Path) -> None:
    path = tmp_path / "shop.db"
    migrate(path, to=4)
    raw = dbapi.connect(str(path))
    for number, at in ((1, 1), (2, 1), (4, 4)):
        raw.execute("INSERT INTO audit VALUES (?, ?, 'ann', 'stop', '*', NULL, '{}')", (number, at))
    raw.commit()
    raw.close()
    assert migrate(path) == (4, NEWEST)
    with Store.open(path) as store, store.writing() as connection:
        record(connection, 5, "ann", "go", "*", "over")
        proof = prove(connection)
        rows = connection.exec_driver_sql(
            "SELECT id, at, author, action, number, deed, salt FROM audit ORDER BY id"
        ).all()
    assert (proof.fault, proof.rows, proof.writers) == (None, 4, 2)
    assert [tuple(row)[:6] for row in rows] == [
        (1, 1, "ann", "stop", 1, 1), (2, 1, "ann", "stop", 2, 1), (4, 4, "ann", "stop", 3, 3),
        (5, 5, "ann", "go", 1, 1),
    ]  # fmt: skip
    assert len({row.salt for row in rows}) == 4


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM consents", "UPDATE consents SET state = "
                                "'granted'", "UPDATE consents SET proof = NULL",
        "UPDATE consents SET basis = 'imported'", "DELETE FROM audit",
        "UPDATE audit SET author = 'x'", "UPDATE audit SET salt = NULL", "UPDATE audit SET id = 2",
        "INSERT OR REPLACE INTO audit SELECT id, at, 'x', action, subject, reason, detail, writer, number, "
        "salt, commitment, link, deed FROM audit",
        "INSERT OR REPLACE INTO audit SELECT NULL, at, 'x', action, subject, reason, detail, writer, number, "
        "salt, commitment, link, deed FROM audit",
        "INSERT INTO audit SELECT NULL, at, 'x', action, subject, reason, detail, writer, number + 2, "
        "salt, commitment, link, deed FROM audit",
        "UPDATE OR REPLACE audit SET number = 3", "DELETE FROM audit_anchors",
        "UPDATE audit_anchors SET heads = '{}'",
        "INSERT OR REPLACE INTO audit_anchors SELECT id, at, '{}', link FROM audit_anchors",
        "INSERT OR REPLACE INTO consents SELECT id, customer_id, channel, purpose, 'granted', address, "
        "occurred_at, arrived_at, source, wording, proof, event_id, basis FROM consents",
    ],
)  # fmt: skip
def test_the_ledgers_are_append_only(tmp_path: Path, statement: str) -> None:
    with Store.create(tmp_path / "shop.db") as store:
        with store.writing() as connection:
            connection.exec_driver_sql(
                "INSERT INTO consents VALUES (1, 1, 'email', '*', 'withdrawn', NULL, 0, 0, 's', NULL, 'p', "
                "NULL, NULL)"
            )
            record(connection, 0, "a", "b", "c")
            anchor(connection, 0)
        with pytest.raises(IntegrityError, match="append-only"), store.writing() as connection:
            connection.exec_driver_sql(statement)


def test_a_consent_may_change_its_customer_as_in_a_merge(tmp_path: Path) -> None:
    with Store.create(tmp_path / "shop.db") as store, store.writing() as connection:
        connection.exec_driver_sql(
            "INSERT INTO consents VALUES (1, 1, 'email', '*', 'withdrawn', NULL, 0, 0, 's', NULL, 'p', "
            "NULL, NULL)"
        )
        connection.exec_driver_sql("UPDATE consents SET customer_id = 2")
        assert connection.exec_driver_sql("SELECT customer_id FROM consents").scalar() == 2


def test_a_text_in_an_integer_column_is_refused(tmp_path: Path) -> None:
    with (
        Store.create(tmp_path / "shop.db") as store,
        pytest.raises(IntegrityError),
        store.writing() as connection,
    ):
        connection.exec_driver_sql(
            "INSERT INTO audit VALUES (1, 'yesterday', 'a', 'b', 'c', NULL, '{}', 'w', 1, NULL, '', '', 1)"
        )


def test_a_backup_that_cannot_be_made_leaves_nothing_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.db"
    Store.create(path).close()
    monkeypatch.setattr("storage.schema.migrations.NEWEST", NEWEST + 1)
    (tmp_path / f".shop-schema-{NEWEST}.db.part").mkdir()  # nothing can be written there
    with pytest.raises(StoreError, match="cannot be made"):
        Store.open(path)
    assert version_of(path) == NEWEST
    assert not (tmp_path / f"shop-schema-{NEWEST}.db").exists()


def test_the_backup_is_for_the_same_people_as_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "shop.db"
    Store.create(path).close()
    path.chmod(0o640)
    monkeypatch.setattr("storage.schema.migrations.NEWEST", NEWEST + 1)
    monkeypatch.setattr(
        migrate,
        "__kwdefaults__",
        {"to": NEWEST + 1, "migrations": (*MIGRATIONS, Migration(NEWEST + 1, lambda: ()))},
    )
    Store.open(path).close()
    assert (tmp_path / f"shop-schema-{NEWEST}.db").stat().st_mode & 0o777 == 0o640
