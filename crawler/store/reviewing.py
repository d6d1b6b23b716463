"""What becomes of people's words where something else changes."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from crawler.store.reviewtables import reviews
from crawler.store.transaction import Transaction


def forget_texts(tx: Transaction, link_ids: Sequence[str]) -> None:
    """A deletion took the texts that these links are about: what words on them quote goes, the hashes stay."""
    about = sa.and_(tx.dialect.among(reviews.c.link_id, link_ids), reviews.c.text_gone.is_(None))
    tx.run(sa.update(reviews).where(about).values(evidence="[]", text_gone=tx.now))
