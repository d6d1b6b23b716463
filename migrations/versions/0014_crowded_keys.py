"""Keys of the candidate index that more articles hold than a search counts.

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

MOST_COUNTED = {"original": 100, "page": 250, "aside": 250, "teaser": 250}


def upgrade() -> None:
    op.create_table(
        "crowded_keys",
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("key", sa.Integer(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("side", "key", name="pk_crowded_keys"),
        sqlite_with_rowid=False,
    )
    for side, most in MOST_COUNTED.items():
        op.execute(
            f"INSERT INTO crowded_keys (side, key) SELECT '{side}', key FROM {side}_postings "
            f"GROUP BY key HAVING count(*) > {most}"
        )


def downgrade() -> None:
    op.drop_table("crowded_keys")
