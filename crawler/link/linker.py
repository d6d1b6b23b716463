"""The linker: pure, deterministic, without I/O beyond its model and idf tables, which are read once."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import cache
from types import MappingProxyType

import xxhash

from crawler.link.attribution import claimed
from crawler.link.decide import Bench, decide
from crawler.link.explain import Part, parts
from crawler.link.features import compare
from crawler.link.fingerprint import fingerprint
from crawler.link.imprint import imprint, keyed, restored
from crawler.link.lexicon import data_file
from crawler.link.markers import markers
from crawler.link.minhash import SCHEME
from crawler.link.profile import Profile, profile
from crawler.link.score import MODEL_FILE, shipped_model
from crawler.link.tables import SHIPPED, Tables, read_tables
from crawler.link.vocabulary import Vocabularies
from crawler.model import Article, Completeness, Decision, Fingerprint, Rights
from crawler.settings import LinkSettings

CODE_VERSION = "4"  # goes up with any change of code or parameters that changes a fingerprint or a score
_PROFILES_KEPT = 256  # some 100 KB each: with more a pool process outgrows 200 MB
_NO_URLS: Mapping[str, str] = MappingProxyType({})


class Linker:
    """Signs articles and decides on pages.

    Not to be shared between threads: it keeps the profiles of the articles it met last, and the words.
    """

    def __init__(self, settings: LinkSettings, rights: Sequence[Rights] = (), *, tables: Tables | None = None) -> None:
        """`tables`: those that `settings.idf` names, where they were read already. Raises SettingsError."""
        tables = read_tables(settings.idf) if tables is None else tables
        self._bench = Bench(
            linker=linker_id(tables),
            model=shipped_model(),
            threshold=settings.threshold,
            base_rate=settings.base_rate,
            window=timedelta(days=settings.window_days),
            rights=tuple(rights),
        )
        self.vocabularies = Vocabularies(tables)
        self._profiles: OrderedDict[tuple[str, int], Profile] = OrderedDict()

    @property
    def id(self) -> str:
        """Fixes code version, parameters, idf tables and model, such as "1-0a1b2c3d"."""
        return self._bench.linker

    @property
    def scheme(self) -> str:
        """How MinHash values are made; signatures of different schemes are never compared."""
        return SCHEME

    def fingerprint(self, article: Article) -> Fingerprint:
        """The index keys of an article; one without words has none.

        A teaser's headline counts as text: it is most of what there is.
        """
        return fingerprint(self._profile(article), self.id)

    def decide(
        self,
        page: Article,
        originals: Sequence[Article],
        teasers: Sequence[Article] = (),
        *,
        known_urls: Mapping[str, str] = _NO_URLS,
    ) -> Decision:
        """What the linker says of a page, given the candidates that an index found for it.

        `originals` likeliest first, as an index ranks them: at most 20 are aligned, and after two hopeless ones
        in a row no more. `known_urls` maps addresses that the page names (canonical, hyperlinks) to the ids of
        stored originals; these are aligned first. The score is the probability that the page stems from its best
        original, at the configured base rate. Raises nothing.
        """
        if not originals and not teasers:
            # Nothing to compare with, as for most pages: no profile is made for that.
            return Decision(page.id, self.id, 0.0, attribution=claimed(markers(page)))
        prepared = self._profile(page)
        named = set(known_urls.values())
        ordered = sorted(originals, key=lambda original: original.id not in named)
        key = next((one.imprint.key for one in ordered if one.imprint is not None), None)
        if key is None:
            pairs = ((original, self._profile(original)) for original in ordered)
            return decide(self._bench, page, prepared, pairs, teasers, known_urls)
        # One that is hashed has all of them compared by hashes: what a release explains, too, is asked across them.
        hashed = ((one, found) for one in ordered if (found := self._hashed(one, key)) is not None)
        return decide(self._bench, page, keyed(prepared, key), hashed, teasers, known_urls, plain=prepared)

    def explain(self, page: Article, original: Article) -> tuple[Part, ...]:
        """What the score of a pair is made of; nothing where one of the two has no sentence."""
        ours, theirs = self._profile(page), self._profile(original)
        if not len(ours.spans) or not len(theirs.spans):
            return ()
        return parts(self._bench.model, compare(ours, theirs))

    def profile(self, article: Article) -> Profile:
        """What a comparison of the article starts from; of those met last it is remembered."""
        return self._profile(article)

    def imprint(self, article: Article, key: bytes) -> bytes:
        """The hashes that can stand in for an original's text. Raises ValueError for a key of the wrong length."""
        return imprint(self._profile(article), key)

    def _hashed(self, original: Article, key: bytes) -> Profile | None:
        """A profile under the key; None for one that was hashed with another key, or by another version of us."""
        if original.imprint is None:
            return keyed(self._profile(original), key)
        return restored(original.imprint.data, self.vocabularies) if original.imprint.key == key else None

    def _profile(self, article: Article) -> Profile:
        text = f"{article.title}\x00{article.language}\x00{article.text}"
        key = (article.id, xxhash.xxh3_64_intdigest(text.encode("utf-8", "surrogatepass")))
        found = self._profiles.get(key)
        if found is None:
            found = self._profiles[key] = profile(_with_headline(article), vocabularies=self.vocabularies)
            if len(self._profiles) > _PROFILES_KEPT:
                self._profiles.popitem(last=False)
        else:
            self._profiles.move_to_end(key)
        return found


def _with_headline(article: Article) -> Article:
    """A teaser with its headline as text; a full article as it is, its headline is the editor's."""
    if article.completeness is Completeness.FULL:
        return article
    return replace(article, title="", text=f"{article.title}.\n\n{article.text}")


@cache
def linker_id(tables: Tables = SHIPPED) -> str:
    """The id of this code with its model and the tables that it weighs words with."""
    digest = hashlib.blake2b(f"{CODE_VERSION} {SCHEME}".encode(), digest_size=4)
    for content in (*tables.content(), data_file(MODEL_FILE)):
        digest.update(content)
    return f"{CODE_VERSION}-{digest.hexdigest()}"
