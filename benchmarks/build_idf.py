"""Writes the stem tables of crawler/link/data from the word frequencies of the package `wordfreq`.

    pip install wordfreq pystemmer
    python benchmarks/build_idf.py crawler/link/data

A table is immutable: a new build gets a new number in its name, since every fingerprint depends on it.
The frequencies are wordfreq's (Robyn Speer, CC BY-SA 4.0), so the tables are under CC BY-SA 4.0 as well.
"""

from __future__ import annotations

import argparse
import gzip
import math
from collections import Counter
from pathlib import Path

import Stemmer
from wordfreq import get_frequency_dict

from crawler.link.lexicon import fold

VERSION = 1
DOCUMENT_WORDS = 450  # words of a middling news story: turns a word's frequency into a document frequency
STEMS = {"en": ("english", 32_000), "de": ("german", 32_000), "es": ("spanish", 20_000), "fr": ("french", 20_000)}
NOTICE = """\
# idf of word stems, language {language}: stem, tab, idf in tenths (natural logarithm); most frequent first.
# Derived from the word frequencies of wordfreq 3.1 (Robyn Speer and others; https://github.com/rspeer/wordfreq),
# which build on Wikipedia, OpenSubtitles, SUBTLEX (Marc Brysbaert and others), Google Books Ngrams, the Leeds
# Internet Corpus, ParaCrawl and others. This file is under CC BY-SA 4.0 (creativecommons.org/licenses/by-sa/4.0),
# unlike the rest of the package. Changed: words stemmed and folded, frequencies added up and turned into idf.
"""


def table(language: str) -> str:
    """The text of one language's table."""
    name, most = STEMS[language]
    stemmer = Stemmer.Stemmer(name)
    frequency: Counter[str] = Counter()
    for word, share in get_frequency_dict(language, "large").items():
        if word.isalpha():
            frequency[fold(stemmer.stemWord(word))] += share
    rows = sorted(frequency.items(), key=lambda row: (-row[1], row[0]))[:most]
    lines = (f"{stem}\t{round(-10 * math.log(-math.expm1(-DOCUMENT_WORDS * share)))}\n" for stem, share in rows)
    return NOTICE.format(language=language) + "".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    for language in STEMS:
        path = directory / f"idf-{language}-{VERSION}.tsv.gz"
        # mtime 0: the same frequencies give the same bytes, which the linker's id is made of.
        path.write_bytes(gzip.compress(table(language).encode(), 9, mtime=0))
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
