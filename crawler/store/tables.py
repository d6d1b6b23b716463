"""The store's tables. `migrations/` makes them; a test holds both equal.

Articles carry a small number (`no`) inside the store and their public id outside; postings, links and tasks
refer to the number. Every query path has its index; what it serves stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa
from sqlalchemy import Boolean, CheckConstraint, Column, ForeignKey, Index, Integer, SmallInteger, Table, Text
from sqlalchemy import LargeBinary as Bytes

from crawler.model import Side
from crawler.store.columns import Number, UtcTime, WebText

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# --- sources and the frontier ------------------------------------------------------------------------------

sources = Table(
    "sources",
    metadata,
    Column("name", WebText, primary_key=True),
    Column("url", WebText, nullable=False),
    Column("role", Text, nullable=False),
    Column("publisher", WebText, nullable=False),
    Column("kind", Text, nullable=False),
    Column("interval", sa.Double, nullable=True),  # seconds; NULL: adaptive
    Column("fetch_pages", Boolean, nullable=False),
    Column("redistribute", Boolean, nullable=False),
    Column("headers_env", Text, nullable=False),  # JSON: header → name of a variable, never its value
    Column("enabled", Boolean, nullable=False),
    Column("declared", Text, nullable=False),  # file | store
    Column("created", UtcTime, nullable=False),
    Column("state", Text, nullable=False),
    Column("reason", WebText, nullable=False),
    Column("detected_kind", Text, nullable=True),
    Column("etag", WebText, nullable=True),
    Column("last_modified", WebText, nullable=True),
    Column("last_polled", UtcTime, nullable=True),
    Column("last_success", UtcTime, nullable=True),
    Column("next_poll", UtcTime, nullable=True),
    Column("last_new", UtcTime, nullable=True),
    Column("consecutive_failures", Integer, nullable=False),
    Column("polls", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
    Column("found", Integer, nullable=False),
    # Entries of its first document that are taken. (The columns from here on came later.)
    Column("backfill", Integer, nullable=False, server_default="50000"),
    Column("habits", Bytes, nullable=True),  # Habits.encode(): some 1,600 bytes; NULL: nothing is known
    Column("advice", WebText, nullable=False, server_default=""),
    Column("hub", WebText, nullable=True),  # WebSub
    Column("gaps", Integer, nullable=False, server_default="0"),  # polls that may have come too late
    Column("news_a_day", sa.Double, nullable=True),
)

frontier = Table(
    "frontier",
    metadata,
    Column("key", Text, primary_key=True),  # article id of the URL: BLAKE2b-128 of its identity
    Column("url", WebText, nullable=False),
    Column("host", WebText, nullable=False),
    Column("source", WebText, nullable=False),
    Column("state", Text, nullable=False),  # queued | parked (its source is disabled) | done | failed
    # When a worker may take it. A lease moves it to the lease's end, so that "due" and "expired" are one test.
    Column("available_at", UtcTime, nullable=False),
    Column("reference", Text, nullable=True),  # JSON; NULL once fetched
    Column("stamp", UtcTime, nullable=True),  # newest modification time announced
    Column("announced_at", UtcTime, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("reason", Text, nullable=True),
    Column("detail", WebText, nullable=True),
    Column("etag", WebText, nullable=True),
    Column("last_modified", WebText, nullable=True),
    Column("fetched_at", UtcTime, nullable=True),
    Column("leased_by", Text, nullable=True),
    # Raised when a newer version is announced; a lease that began before does not finish the row.
    Column("generation", Integer, nullable=False),
    Column("leased_generation", Integer, nullable=True),
    Column("article_no", Number, ForeignKey("articles.no"), nullable=True),
    Column("losses", Integer, nullable=False, server_default="0"),  # leases that ended with the death of their worker
)
Index(  # the oldest due pages of each host
    "ix_frontier_due",
    frontier.c.host,
    frontier.c.available_at,
    sqlite_where=sa.text("state = 'queued'"),
    postgresql_where=sa.text("state = 'queued'"),
)
Index(  # what a worker holds
    "ix_frontier_leased_by",
    frontier.c.leased_by,
    sqlite_where=sa.text("leased_by IS NOT NULL"),
    postgresql_where=sa.text("leased_by IS NOT NULL"),
)
Index("ix_frontier_source_state", frontier.c.source, frontier.c.state)  # parking; counts
Index("ix_frontier_source_announced_at", frontier.c.source, frontier.c.announced_at)  # what its last pages were
Index(  # pages by reason of failure
    "ix_frontier_failed",
    frontier.c.reason,
    sqlite_where=sa.text("state = 'failed'"),
    postgresql_where=sa.text("state = 'failed'"),
)
Index(  # the last that were given up
    "ix_frontier_dead",
    frontier.c.available_at,
    frontier.c.key,
    sqlite_where=sa.text("state = 'failed'"),
    postgresql_where=sa.text("state = 'failed'"),
)

# --- articles ----------------------------------------------------------------------------------------------

articles = Table(
    "articles",
    metadata,
    Column("no", Number, primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("state", Text, nullable=False),  # live | replaced (a teaser whose full text is held) | removed
    Column("role", Text, nullable=False),
    Column("completeness", Text, nullable=False),
    Column("publisher", WebText, nullable=False),
    Column("first_seen", UtcTime, nullable=False),
    Column("captured", UtcTime, nullable=True),  # by an archive, where that was before we saw it first
    Column("received", UtcTime, nullable=False),  # when its newest version came
    Column("checked", UtcTime, nullable=False),  # when it was last found to be so
    Column("version", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("vendor_id", WebText, nullable=True),
    Column("vendor_source", WebText, nullable=True),
    Column("vendor_rank", UtcTime, nullable=True),  # the delivery's own time; the greatest wins
    Column("headline_key", sa.BigInteger, nullable=True),  # hash of the folded headline; origins and releases
    Column("headline_time", UtcTime, nullable=True),
    Column("replaced_by", Number, ForeignKey("articles.no"), nullable=True),
    Column("attribution_no", Number, nullable=True),  # the attribution in force
    # The page asked not to be indexed: its text goes once its decision is made.
    Column("unindexed", Boolean, nullable=False, server_default=sa.false()),
    # It came with the first document of its source: no news to anyone.
    Column("backfill", Boolean, nullable=False, server_default=sa.false()),
    Column("text_since", UtcTime, nullable=True),  # originals and releases: when the text that is held came
)
Index(  # texts that were kept long enough
    "ix_articles_text_since",
    articles.c.text_since,
    sqlite_where=sa.text("text_since IS NOT NULL"),
    postgresql_where=sa.text("text_since IS NOT NULL"),
)
Index(  # texts to forget
    "ix_articles_unindexed",
    articles.c.no,
    sqlite_where=sa.text("unindexed"),
    postgresql_where=sa.text("unindexed"),
)
Index(  # a teaser's full text, a full text's teasers
    "ix_articles_headline",
    articles.c.headline_key,
    articles.c.publisher,
    sqlite_where=sa.text("headline_key IS NOT NULL"),
    postgresql_where=sa.text("headline_key IS NOT NULL"),
)
Index(  # a vendor's deletion of one
    "ix_articles_vendor_id",
    articles.c.vendor_id,
    sqlite_where=sa.text("vendor_id IS NOT NULL"),
    postgresql_where=sa.text("vendor_id IS NOT NULL"),
)
Index(  # a vendor's deletion of a source
    "ix_articles_vendor_source",
    articles.c.vendor_source,
    sqlite_where=sa.text("vendor_source IS NOT NULL"),
    postgresql_where=sa.text("vendor_source IS NOT NULL"),
)
Index(  # the teasers that come back when their full text goes
    "ix_articles_replaced_by",
    articles.c.replaced_by,
    sqlite_where=sa.text("replaced_by IS NOT NULL"),
    postgresql_where=sa.text("replaced_by IS NOT NULL"),
)
Index(  # pages that say where they come from
    "ix_articles_attributed",
    articles.c.attribution_no,
    articles.c.no,
    sqlite_where=sa.text("attribution_no IS NOT NULL"),
    postgresql_where=sa.text("attribution_no IS NOT NULL"),
)
Index("ix_articles_role_completeness_state", articles.c.role, articles.c.completeness, articles.c.state)  # counts

versions = Table(
    "versions",
    metadata,
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("text", WebText, nullable=True),  # NULL: had to go
    Column("fields", Text, nullable=True),  # JSON: all other fields of the article; NULL: had to go
)

aliases = Table(
    "aliases",
    metadata,
    Column("key", Text, primary_key=True),  # article id of a URL under which the article was met
    Column("article_no", Number, ForeignKey("articles.no"), nullable=False),
    sqlite_with_rowid=False,
)

removals = Table(
    "removals",
    metadata,
    Column("kind", Text, primary_key=True),  # article | source
    Column("key", WebText, primary_key=True),  # accession number or the vendor's code of the source
    Column("at", UtcTime, nullable=False),
    sqlite_with_rowid=False,
)

# --- the candidate index -----------------------------------------------------------------------------------

linkers = Table(
    "linkers",
    metadata,
    Column("no", SmallInteger, primary_key=True, autoincrement=False),
    Column("linker", Text, nullable=False),
    Column("scheme", Text, nullable=False),
    Column("serving", Boolean, nullable=False),
    Column("created", UtcTime, nullable=False),
)

fingerprints = Table(
    "fingerprints",
    metadata,
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True),
    Column("linker_no", SmallInteger, ForeignKey("linkers.no"), primary_key=True),
    Column("minhash", Bytes, nullable=False),
    Column("index_keys", Bytes, nullable=False),  # int32, little-endian
    Column("index_weights", Bytes, nullable=False),  # bytes: sixteenths
)

# One table a side, and nothing but the two numbers in a row: in PostgreSQL, whose rows and index entries cost 24 and 8
# bytes before they hold anything, that is 40 % less than with a column for the side. Both are of 4 bytes, so
# articles above number 2,147,483,647 can't be found.
original_postings, page_postings, aside_postings, teaser_postings = (
    Table(
        f"{side}_postings",
        metadata,
        Column("key", Integer, primary_key=True, autoincrement=False),
        Column("article_no", Integer, primary_key=True, autoincrement=False),
        sqlite_with_rowid=False,
    )
    for side in ("original", "page", "aside", "teaser")
)
POSTINGS: Mapping[Side, Table] = {
    Side.ORIGINAL: original_postings,
    Side.PAGE: page_postings,
    Side.ASIDE: aside_postings,
    Side.TEASER: teaser_postings,
}

crowded_keys = Table(  # keys that more articles of a side hold than a search counts
    "crowded_keys",
    metadata,
    Column("side", Text, primary_key=True),
    Column("key", Integer, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# --- decisions ---------------------------------------------------------------------------------------------

tasks = Table(
    "tasks",
    metadata,
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True, autoincrement=False),
    Column("reason", Text, nullable=False),
    Column("enqueued", UtcTime, nullable=False),
    Column("available_at", UtcTime, nullable=False),  # as in the frontier
    Column("leased_by", Text, nullable=True),
    Column("generation", Integer, nullable=False),
    Column("leased_generation", Integer, nullable=True),
)
Index("ix_tasks_due", tasks.c.available_at, tasks.c.article_no)
Index(
    "ix_tasks_leased_by",
    tasks.c.leased_by,
    sqlite_where=sa.text("leased_by IS NOT NULL"),
    postgresql_where=sa.text("leased_by IS NOT NULL"),
)

links = Table(
    "links",
    metadata,
    Column("id", Text, primary_key=True),
    Column("rewrite_no", Number, ForeignKey("articles.no"), nullable=False),
    Column("original_no", Number, ForeignKey("articles.no"), nullable=False),
    Column("state", Text, nullable=False),
    Column("relation", Text, nullable=False),
    Column("score", sa.Double, nullable=False),
    Column("coverage_rewrite", sa.Double, nullable=False),
    Column("coverage_original", sa.Double, nullable=False),
    Column("evidence", Text, nullable=False),  # JSON
    Column("precedence", Text, nullable=False),
    Column("standing", Text, nullable=False),
    Column("linker", Text, nullable=False),
    Column("decided", UtcTime, nullable=False),
    Column("archive", Text, nullable=True),  # JSON
    Column("rewrite_hash", Text, nullable=False),  # the texts that were decided on
    Column("original_hash", Text, nullable=False),
    # What lists are filtered and sites are ranked by, as it was when the link was decided (`listing`).
    Column("site", WebText, nullable=False, server_default=""),  # host of the page
    Column("publisher", WebText, nullable=False, server_default=""),  # of the original
    Column("lag", sa.Double, nullable=True),  # seconds from the original to the page
    CheckConstraint("rewrite_no <> original_no", name="two_articles"),
)
Index("ix_links_rewrite_no", links.c.rewrite_no)
Index(
    "uq_links_live",
    links.c.rewrite_no,
    unique=True,
    sqlite_where=sa.text("state IN ('new', 'confirmed')"),
    postgresql_where=sa.text("state IN ('new', 'confirmed')"),
)
Index("ix_links_original_no_state", links.c.original_no, links.c.state)  # a story; what hangs on an original
Index("ix_links_state", links.c.state)  # counts
# Lists of links, newest first: of a state, of all, of a site, of a publisher; the rest of a filter is in each index.
Index("ix_links_state_decided", links.c.state, links.c.decided, links.c.id, links.c.score, links.c.relation)
Index("ix_links_decided", links.c.decided, links.c.id, links.c.state, links.c.score, links.c.relation)
for _column in (links.c.site, links.c.publisher):
    Index(
        f"ix_links_{_column.name}_decided",
        *(_column, links.c.decided, links.c.id, links.c.state, links.c.score, links.c.relation),
    )
Index("ix_links_site_lag", links.c.site, links.c.state, links.c.lag, links.c.coverage_original)  # sites ranked

attributions = Table(
    "attributions",
    metadata,
    Column("no", Number, primary_key=True),
    Column("article_no", Number, ForeignKey("articles.no"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("teaser_no", Number, ForeignKey("articles.no"), nullable=True),
    Column("data", Text, nullable=False),  # the public JSON
)
Index("ix_attributions_article_no", attributions.c.article_no)
Index(
    "ix_attributions_teaser_no",
    attributions.c.teaser_no,
    sqlite_where=sa.text("teaser_no IS NOT NULL"),
    postgresql_where=sa.text("teaser_no IS NOT NULL"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True, autoincrement=False),
    Column("linker", Text, nullable=False),
    Column("score", sa.Double, nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("considered", Text, nullable=False),  # JSON
    Column("link_id", Text, nullable=True),  # what it would link; a person's word may stand against it
)

# --- stories -----------------------------------------------------------------------------------------------

places = Table(  # pages that do not stand for themselves
    "places",
    metadata,
    Column("article_no", Number, ForeignKey("articles.no"), primary_key=True, autoincrement=False),
    # The page that stands for its story; NULL: its original does, to which it is linked.
    Column("first_no", Number, ForeignKey("articles.no"), nullable=True),
    Column("relation", Text, nullable=True),
    Column("score", sa.Double, nullable=True),
)
Index(  # what hangs on a page
    "ix_places_first_no",
    places.c.first_no,
    sqlite_where=sa.text("first_no IS NOT NULL"),
    postgresql_where=sa.text("first_no IS NOT NULL"),
)

stories = Table(  # those that were told at least once
    "stories",
    metadata,
    Column("id", Text, primary_key=True),  # of the article that stands for it
    Column("size", Integer, nullable=False),  # that article and its members
    Column("merged_into", Text, nullable=True),  # the story that its article is part of by now
)
Index(  # a story's aliases
    "ix_stories_merged_into",
    stories.c.merged_into,
    sqlite_where=sa.text("merged_into IS NOT NULL"),
    postgresql_where=sa.text("merged_into IS NOT NULL"),
)
Index(  # stories to report
    "ix_stories_large",
    stories.c.size,
    sqlite_where=sa.text("size > 1000"),
    postgresql_where=sa.text("size > 1000"),
)
Index(  # stories, the largest first
    "ix_stories_size",
    stories.c.size,
    stories.c.id,
    sqlite_where=sa.text("size > 1 AND merged_into IS NULL"),
    postgresql_where=sa.text("size > 1 AND merged_into IS NULL"),
)

# --- the change log ----------------------------------------------------------------------------------------

changes = Table(
    "changes",
    metadata,
    Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
    Column("at", UtcTime, nullable=False),  # never earlier than the row before
    Column("subject", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("object_id", Text, nullable=False),
    Column("reason", WebText, nullable=False),
    Column("version", Integer, nullable=True),  # articles
    Column("attribution_no", Number, nullable=True),  # articles
    Column("story_id", Text, nullable=True),  # links and members: their story; stories: the one merged into
    Column("state", Text, nullable=True),  # links and members: the public JSON; stories: it without the members
)
Index("ix_changes_object", changes.c.subject, changes.c.object_id, changes.c.seq)  # the last change of each
Index("ix_changes_subject_seq", changes.c.subject, changes.c.seq)  # one subject in order
Index("ix_changes_at_seq", changes.c.at, changes.c.seq)  # a time's number
Index(  # a story as of a change
    "ix_changes_story",
    changes.c.story_id,
    changes.c.seq,
    sqlite_where=sa.text("story_id IS NOT NULL"),
    postgresql_where=sa.text("story_id IS NOT NULL"),
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),  # one row
    Column("seq", sa.BigInteger, nullable=False),
    Column("at", UtcTime, nullable=False),
)

# --- who works ---------------------------------------------------------------------------------------------

runs = Table(
    "runs",
    metadata,
    Column("id", Number, primary_key=True),
    Column("worker", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("started", UtcTime, nullable=False),
    Column("finished", UtcTime, nullable=True),
    Column("summary", Text, nullable=False),  # JSON
)

workers = Table(
    "workers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("started", UtcTime, nullable=False),
    Column("heartbeat", UtcTime, nullable=False),
)
