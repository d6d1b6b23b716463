"""People's words on links, what lists of links are filtered by, and an index of the words of all texts.

The words of a text are indexed where it is written, by the database itself: what a deletion takes away is gone from
the index in the same transaction, whoever deletes. SQLite's index holds no text of its own (`content = ''`).

Revision: 0010, after 0008
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from urllib.parse import urlsplit

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_TIME = sa.BigInteger().with_variant(sa.TIMESTAMP(timezone=True), "postgresql")
_INDEXES = {
    "ix_links_state_decided": ("state", "decided", "id", "score", "relation"),
    "ix_links_decided": ("decided", "id", "state", "score", "relation"),
    "ix_links_site_decided": ("site", "decided", "id", "state", "score", "relation"),
    "ix_links_publisher_decided": ("publisher", "decided", "id", "state", "score", "relation"),
    "ix_links_site_lag": ("site", "state", "lag", "coverage_original"),
}
# A NUL in a title, which JSON can say, would end it.
_SQLITE_WORDS = r"""
CREATE VIRTUAL TABLE article_words USING fts5(title, body, content = '', tokenize = 'unicode61 remove_diacritics 2')
~
CREATE TRIGGER article_words_new AFTER INSERT ON versions BEGIN
  INSERT INTO article_words (article_words, rowid, title, body)
    SELECT 'delete', article_no, coalesce(json_extract(replace(fields, '\u0000', '\u0020'), '$.title'), ''),
           substr(coalesce(text, ''), 1, 200000)
    FROM versions WHERE article_no = NEW.article_no AND version = NEW.version - 1;
  INSERT INTO article_words (rowid, title, body)
    VALUES (NEW.article_no, coalesce(json_extract(replace(NEW.fields, '\u0000', '\u0020'), '$.title'), ''),
            substr(coalesce(NEW.text, ''), 1, 200000));
END
~
CREATE TRIGGER article_words_changed AFTER UPDATE OF text, fields ON versions
WHEN NOT EXISTS (SELECT 1 FROM versions WHERE article_no = OLD.article_no AND version > OLD.version) BEGIN
  INSERT INTO article_words (article_words, rowid, title, body)
    VALUES ('delete', OLD.article_no, coalesce(json_extract(replace(OLD.fields, '\u0000', '\u0020'), '$.title'), ''),
            substr(coalesce(OLD.text, ''), 1, 200000));
  INSERT INTO article_words (rowid, title, body)
    VALUES (NEW.article_no, coalesce(json_extract(replace(NEW.fields, '\u0000', '\u0020'), '$.title'), ''),
            substr(coalesce(NEW.text, ''), 1, 200000));
END
~
INSERT INTO article_words (rowid, title, body)
  SELECT v.article_no, coalesce(json_extract(replace(v.fields, '\u0000', '\u0020'), '$.title'), ''),
         substr(coalesce(v.text, ''), 1, 200000)
  FROM versions v WHERE NOT EXISTS
    (SELECT 1 FROM versions w WHERE w.article_no = v.article_no AND w.version > v.version)
"""
# An index of an expression needs no column and no trigger. Titles may hold what JSON can say and a text can't: NUL is
# a space here (in SQLite it would end the title), one with half a pair of surrogates is taken with its escapes.
_POSTGRES_WORDS = r"""
CREATE FUNCTION wiretrace_title(fields text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  RETURN replace(fields, '\u0000', '\u0020')::json ->> 'title';
EXCEPTION WHEN OTHERS THEN
  RETURN substring(fields from '"title": "((?:[^"\\]|\\.)*)"');
END $$
~
CREATE INDEX ix_versions_words ON versions USING gin (
  to_tsvector('simple', left(coalesce(wiretrace_title(fields), '') || ' ' || coalesce(text, ''), 200000)))
"""


def upgrade() -> None:
    op.add_column("links", sa.Column("site", sa.Text(), nullable=False, server_default=""))
    op.add_column("links", sa.Column("publisher", sa.Text(), nullable=False, server_default=""))
    op.add_column("links", sa.Column("lag", sa.Double(), nullable=True))
    _fill_in()
    for name, columns in _INDEXES.items():
        op.create_index(name, "links", list(columns))
    _partial_index("ix_articles_attributed", "articles", ["attribution_no", "no"], "attribution_no IS NOT NULL")
    _partial_index("ix_stories_size", "stories", ["size", "id"], "size > 1 AND merged_into IS NULL")
    op.create_table(
        "reviews",
        sa.Column("no", _NUMBER, nullable=False),
        sa.Column("link_id", sa.Text(), nullable=False),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("undoes", _NUMBER, nullable=True),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("rewrite_id", sa.Text(), nullable=False),
        sa.Column("rewrite_version", sa.Integer(), nullable=True),
        sa.Column("rewrite_hash", sa.Text(), nullable=False),
        sa.Column("original_id", sa.Text(), nullable=False),
        sa.Column("original_version", sa.Integer(), nullable=True),
        sa.Column("original_hash", sa.Text(), nullable=False),
        sa.Column("relation", sa.Text(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("coverage_rewrite", sa.Double(), nullable=False),
        sa.Column("coverage_original", sa.Double(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("precedence", sa.Text(), nullable=False),
        sa.Column("standing", sa.Text(), nullable=False),
        sa.Column("linker", sa.Text(), nullable=False),
        sa.Column("decided", _TIME, nullable=False),
        sa.Column("text_gone", _TIME, nullable=True),
        sa.PrimaryKeyConstraint("no", name="pk_reviews"),
        sa.ForeignKeyConstraint(["link_id"], ["links.id"], name="fk_reviews_link_id"),
        sa.ForeignKeyConstraint(["undoes"], ["reviews.no"], name="fk_reviews_undoes"),
    )
    op.create_index("ix_reviews_link_id", "reviews", ["link_id", "no"])
    op.create_index("ix_reviews_reviewer", "reviews", ["reviewer", "no"])
    _partial_index("uq_reviews_undoes", "reviews", ["undoes"], "undoes IS NOT NULL", unique=True)
    for statement in (_POSTGRES_WORDS if _is_postgres() else _SQLITE_WORDS).split("~"):
        op.get_bind().exec_driver_sql(statement)


def _is_postgres() -> bool:
    return bool(op.get_bind().dialect.name == "postgresql")


def _fill_in() -> None:
    """What links that are there are listed by: the page's host, the original's publisher, the time between them."""
    link = sa.table("links", *map(sa.column, ("id", "rewrite_no", "original_no", "site", "publisher", "lag")))
    article = sa.table("articles", *map(sa.column, ("no", "publisher", "version")), sa.column("first_seen", _TIME))
    version = sa.table("versions", *map(sa.column, ("article_no", "version", "fields")))
    page, original = article.alias("page"), article.alias("original")
    its, theirs = version.alias("its"), version.alias("theirs")
    rows = (
        sa.select(link.c.id, original.c.publisher, its.c.fields, theirs.c.fields.label("other"))
        .add_columns(page.c.first_seen, original.c.first_seen.label("other_seen"))
        .select_from(link)
        .join(page, page.c.no == link.c.rewrite_no)
        .join(original, original.c.no == link.c.original_no)
        .outerjoin(its, sa.and_(its.c.article_no == page.c.no, its.c.version == page.c.version))
        .outerjoin(theirs, sa.and_(theirs.c.article_no == original.c.no, theirs.c.version == original.c.version))
        .order_by(link.c.id)
        .limit(500)
    )
    change = (
        sa.update(link)
        .where(link.c.id == sa.bindparam("link"))
        .values(site=sa.bindparam("host"), publisher=sa.bindparam("whose"), lag=sa.bindparam("after"))
    )
    last = ""
    while found := op.get_bind().execute(rows.where(link.c.id > last)).all():
        op.get_bind().execute(change, [_filled(row) for row in found])
        last = found[-1].id


def _filled(row: sa.Row) -> dict[str, object]:
    page = json.loads(row.fields) if row.fields else {}
    original = json.loads(row.other) if row.other else {}
    try:
        host = (urlsplit(page.get("url") or "").hostname or "").removeprefix("www.")
    except ValueError:
        host = ""
    told = original.get("published")
    first = datetime.fromisoformat(told) if told else _moment(row.other_seen)
    lag = (_moment(row.first_seen) - first).total_seconds()
    return {"link": row.id, "host": host, "whose": row.publisher, "after": lag}


def _moment(value: object) -> datetime:
    return value if isinstance(value, datetime) else datetime.fromtimestamp(int(str(value)) / 1_000_000, UTC)


def _partial_index(name: str, table: str, columns: list[str], where: str, *, unique: bool = False) -> None:
    condition = sa.text(where)
    op.create_index(name, table, columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def downgrade() -> None:
    if _is_postgres():
        op.execute("DROP INDEX ix_versions_words")
        op.execute("DROP FUNCTION wiretrace_title(text)")
    else:
        for name in ("article_words_new", "article_words_changed"):
            op.execute(f"DROP TRIGGER {name}")
        op.execute("DROP TABLE article_words")
    op.drop_table("reviews")
    op.drop_index("ix_stories_size", "stories")
    op.drop_index("ix_articles_attributed", "articles")
    for name in _INDEXES:
        op.drop_index(name, "links")
    for column in ("lag", "publisher", "site"):
        op.drop_column("links", column)
