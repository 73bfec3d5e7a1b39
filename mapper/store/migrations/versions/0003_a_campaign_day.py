"""what a campaign day on several machines needs"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Each part on its own, in the order in which they came."""
    _files_that_every_machine_has()
    _boundary_sets_on_trial()
    _who_is_signed_in()
    _what_stays_of_the_erased()
    _no_place_twice()
    _point_indexes_apart()
    _a_shelf_for_each_province()


def _files_that_every_machine_has() -> None:
    op.create_table(
        "asked_files",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("allowed", sa.Text(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        sa.Column("language", sa.String(), nullable=False),
        sa.Column("asked_at", sa.String(), nullable=False),
        sa.Column("told_at", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("to_stop", sa.Boolean(), nullable=False),
        sa.Column("file", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_asked_files_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_asked_files")),
        comment="Files that take a while and wait to be fetched, for some hours. allowed: JSON of the role and areas that the user had. query: JSON of the address of the page that waits. told_at: when the process that makes it last said so. file: its name in the folder of the machine that made it. number: of people or submissions in it.",
    )
    op.create_index(op.f("ix_asked_files_user_id"), "asked_files", ["user_id"], unique=False)
    op.create_table(
        "asked_file_pieces",
        sa.Column("file_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["file_id"], ["asked_files.id"], name=op.f("fk_asked_file_pieces_file_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("file_id", "position", name=op.f("pk_asked_file_pieces")),
        comment="On PostgreSQL the bytes of such a file, piece by piece, for the other machines; on SQLite none.",
    )


def _boundary_sets_on_trial() -> None:
    """Sets that stand beside others and are in force on no day; those that are here are none of these."""
    op.add_column("boundary_sets", sa.Column("trial", sa.Boolean(), server_default=sa.false(), nullable=False))


def _who_is_signed_in() -> None:
    """Sessions in the database, so that they can be ended there, and counts of failed tries that all machines share."""
    op.create_table(
        "sessions",
        sa.Column("key_sha256", sa.String(64), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.Column("browser", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key_sha256", name=op.f("pk_sessions")),
        comment="Browsers that are signed in. Of a session's key only its SHA-256 is kept; epoch: session_epoch of the user when it began. begun_at, seen_at: seconds since 1970.",
    )
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "failed_tries",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_failed_tries")),
        comment="How often signing in failed of late; key: what is counted, hashed with the installation's key, so that it names nobody. ends_at: seconds since 1970, when it counts no longer.",
    )
    op.create_index(op.f("ix_failed_tries_ends_at"), "failed_tries", ["ends_at"], unique=False)


def _what_stays_of_the_erased() -> None:
    """That somebody was erased, marks that keep them out, and numbers without anybody."""
    op.create_table(
        "erasures",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("taken", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("at", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_erasures_campaign_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_erasures_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_erasures")),
        comment="That somebody was erased, never who. kind: person, household or campaign. reason: a word of the program. taken: JSON of how much of what was taken out. user_id: NULL at the command line.",
    )
    op.create_table(
        "erased_marks",
        sa.Column("mark", sa.String(64), nullable=False),
        sa.Column("erasure_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("former", sa.String(64), nullable=True),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name=op.f("fk_erased_marks_erasure_id")),
        sa.PrimaryKeyConstraint("mark", name=op.f("pk_erased_marks")),
        comment="Keyed hashes of ids that must not come back. kind: submission, of which nothing is here any more; redacted, which is here without the person; household; person; name, of somebody without an id of their own. former: SHA-256 of the submission as it came.",
    )
    op.create_table(
        "counts_left",
        sa.Column("cell_id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("away", sa.Integer(), nullable=False),
        sa.Column("vaccinated", sa.Integer(), nullable=False),
        sa.Column("contraindicated", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("deferred", sa.Integer(), nullable=False),
        sa.Column("unknown", sa.Integer(), nullable=False),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("due", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["cell_id"], ["cells.id"], name=op.f("fk_counts_left_cell_id")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_counts_left_series_id")),
        sa.PrimaryKeyConstraint("cell_id", "series_id", "day", name=op.f("pk_counts_left")),
        sqlite_with_rowid=False,
        comment="The share of tallies of those who were erased, all of a cell together; a rebuild adds it.",
    )
    op.create_table(
        "houses_left",
        sa.Column("campaign_id", sa.String(), nullable=False),
        sa.Column("cell_id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("visited", sa.Integer(), nullable=False),
        sa.Column("interviewed", sa.Integer(), nullable=False),
        sa.Column("vacant", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("closed", sa.Integer(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["campaign_id"], ["campaigns.id"], name=op.f("fk_houses_left_campaign_id")),
        sa.ForeignKeyConstraint(["cell_id"], ["cells.id"], name=op.f("fk_houses_left_cell_id")),
        sa.PrimaryKeyConstraint("campaign_id", "cell_id", "day", name=op.f("pk_houses_left")),
        sqlite_with_rowid=False,
        comment="The same of the tallies of houses.",
    )


def _no_place_twice() -> None:
    """Where a household lies in a set is told by its cell, and where its point is by its row: nothing read the rest."""
    op.drop_table("placements")


def _point_indexes_apart() -> None:
    """Megabytes that stood in the row of a set, and were read and written again with whatever else is in it."""
    op.create_table(
        "point_indexes",
        sa.Column("set_id", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["set_id"], ["boundary_sets.id"], name=op.f("fk_point_indexes_set_id")),
        sa.PrimaryKeyConstraint("set_id", name=op.f("pk_point_indexes")),
        comment="What finds the innermost unit of a set that holds a point: tens of MB of a country. Apart from the set, which is read often and changes state.",
    )
    op.execute("INSERT INTO point_indexes (set_id, content) SELECT id, placer FROM boundary_sets")
    op.drop_column("boundary_sets", "placer")
    if op.get_bind().dialect.name == "postgresql":
        op.create_table_comment(
            "boundary_sets",
            "levels: JSON list, outermost first. state: placing while households that were here before it are still being placed, then shown; withdrawn once nobody is to see it any more. Intake places in all of them.",
        )


def _a_shelf_for_each_province() -> None:
    """On PostgreSQL the register and the tallies in partitions; all that is here lies on the shelf of no province."""
    _findings_by_household()
    if op.get_context().dialect.name != "postgresql":
        return
    connection = op.get_bind()
    here = connection.execute(sa.text("SELECT current_schema()")).scalar_one()
    quote = connection.dialect.identifier_preparer.quote
    beside = quote(f"{here}_shelves")
    op.execute(f"CREATE SCHEMA {beside}")
    for table in ("people", "doses", "findings"):
        op.drop_constraint(f"fk_{table}_household_seq", table, type_="foreignkey")
        op.alter_column(table, "household_seq", type_=sa.BigInteger(), existing_nullable=False)
    op.alter_column("households", "seq", type_=sa.BigInteger(), existing_nullable=False)
    for table, (column, end) in _PARTED.items():
        comment = connection.execute(sa.text("SELECT obj_description(to_regclass(:name))"), {"name": table}).scalar()
        constraints = connection.execute(
            sa.text(
                "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint "
                "WHERE conrelid = to_regclass(:name) AND contype IN ('p', 'f') ORDER BY contype DESC"
            ),
            {"name": table},
        ).all()
        op.execute(f"ALTER TABLE {table} RENAME TO {table}_0")
        op.execute(f"ALTER TABLE {table}_0 SET SCHEMA {beside}")
        op.execute(f"CREATE TABLE {table} (LIKE {beside}.{table}_0 INCLUDING DEFAULTS) PARTITION BY RANGE ({column})")
        for name, definition in constraints:
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {quote(name)} {definition}")
        if comment:
            op.create_table_comment(table, comment)
        op.execute(f"ALTER TABLE {table} ATTACH PARTITION {beside}.{table}_0 FOR VALUES FROM (MINVALUE) TO ({end})")
    op.create_index("ix_households_cell_id", "households", ["cell_id"])
    op.create_index("ix_findings_instance_id", "findings", ["instance_id"])
    for table in ("people", "doses", "findings"):
        op.execute(
            f"ALTER TABLE {beside}.{table}_0 ADD CONSTRAINT fk_{table}_household_seq "
            f"FOREIGN KEY (household_seq) REFERENCES {beside}.households_0 (seq)"
        )
    op.create_table_comment(
        "cells",
        "Households alike in hamlet, chosen commune and unit of every set share a cell: what tallies count in. id: holds the shelf of its province.",
    )
    op.create_table_comment(
        "households",
        "The register: each household as all that was told of it makes it known; steps as JSON. seq: its shelf, and the seq of the first submission that tells of it, its edits standing in its place; no other household has it. version, trunk_version and branch_id are those of the ODK entity.",
    )


_PARTED = {
    "households": ("seq", 500_000_000_000),
    "people": ("household_seq", 500_000_000_000),
    "doses": ("household_seq", 500_000_000_000),
    "findings": ("household_seq", 500_000_000_000),
    "tallies": ("cell_id", 10_000_000),
    "house_tallies": ("cell_id", 10_000_000),
    "house_totals": ("cell_id", 10_000_000),
}
"""The column that a table is parted by, and where the shelf of no province ends."""


def _findings_by_household() -> None:
    """Their key begins with the household, by whose shelf they are parted."""
    if op.get_context().dialect.name == "postgresql":
        op.drop_index("ix_findings_household_seq", "findings")
        op.drop_constraint("pk_findings", "findings", type_="primary")
        op.create_primary_key("pk_findings", "findings", ["household_seq", "instance_id", "position"])
        return
    op.create_table(
        "findings_anew",
        sa.Column("household_seq", sa.Integer(), nullable=False),
        sa.Column("instance_id", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("cell_id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["household_seq"], ["households.seq"], name=op.f("fk_findings_household_seq")),
        sa.PrimaryKeyConstraint("household_seq", "instance_id", "position", name=op.f("pk_findings")),
        comment="What a supervisor should look at in a submission that counts all the same.",
        sqlite_with_rowid=False,
    )
    columns = "household_seq, instance_id, position, cell_id, code, message, facts"
    op.execute(f"INSERT INTO findings_anew ({columns}) SELECT {columns} FROM findings")
    op.drop_table("findings")
    op.rename_table("findings_anew", "findings")
    op.create_index("ix_findings_instance_id", "findings", ["instance_id"])
