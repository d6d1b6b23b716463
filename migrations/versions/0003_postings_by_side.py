"""A table of postings for each side of the index, with keys and article numbers of four bytes.

Revision: 0003, after 0002
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SIDES = ("original", "page", "teaser")  # in the order in which a linker's shelves stood
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# The keys of each linker are salted with its number: key xor the low 32 bits of (number - 1) * SALT, both signed.
SALT = 0x9E3779B1


def upgrade() -> None:
    linkers = [row[0] for row in op.get_bind().execute(sa.text("SELECT no FROM linkers"))]
    for place, side in enumerate(SIDES):
        op.create_table(
            f"{side}_postings",
            sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
            sa.Column("article_no", sa.Integer(), autoincrement=False, nullable=False),
            sa.PrimaryKeyConstraint("key", "article_no", name=op.f(f"pk_{side}_postings")),
            sqlite_with_rowid=False,
        )
        for linker in linkers:
            copy = sa.text(
                f"INSERT INTO {side}_postings (key, article_no) "
                f"SELECT {_xor('key', ':salt')}, article_no FROM postings WHERE shelf = :shelf"
            )
            op.get_bind().execute(copy, {"salt": _salt(linker), "shelf": linker * len(SIDES) + place})
    op.drop_table("postings")


def downgrade() -> None:
    linkers = [row[0] for row in op.get_bind().execute(sa.text("SELECT no FROM linkers WHERE serving"))]
    op.create_table(
        "postings",
        sa.Column("shelf", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("key", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("article_no", NUMBER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("shelf", "key", "article_no", name=op.f("pk_postings")),
        sqlite_with_rowid=False,
    )
    # Of the index in use only: a key does not tell whose it is.
    for linker in linkers:
        for place, side in enumerate(SIDES):
            copy = sa.text(
                f"INSERT INTO postings (shelf, key, article_no) SELECT :shelf, {_xor('key', ':salt')}, article_no "
                f"FROM {side}_postings"
            )
            op.get_bind().execute(copy, {"salt": _salt(linker), "shelf": linker * len(SIDES) + place})
    for side in SIDES:
        op.drop_table(f"{side}_postings")


def _salt(linker: int) -> int:
    salt = (linker - 1) * SALT & 0xFFFFFFFF
    return salt - ((salt & 0x80000000) << 1)


def _xor(one: str, other: str) -> str:
    """SQLite has no operator for it."""
    return f"(CAST({one} AS BIGINT) | CAST({other} AS BIGINT)) - (CAST({one} AS BIGINT) & CAST({other} AS BIGINT))"
