"""Writes the stem tables of crawler/link/data from the word frequencies of the package `wordfreq`.

    pip install wordfreq pystemmer
    python benchmarks/build_idf.py crawler/link/data

A table is immutable: a new build gets a new number in its name (TABLE_VERSION in crawler/link/tables.py), since every
fingerprint depends on it.
The frequencies are wordfreq's (Robyn Speer, CC BY-SA 4.0), so the tables are under CC BY-SA 4.0 as well.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections import Counter
from pathlib import Path

import Stemmer
from wordfreq import get_frequency_dict

sys.path.insert(0, str(Path(__file__).parents[1]))

from crawler.link.lexicon import STEMMERS, stem_of
from crawler.link.tables import compressed, shipped_name, table_text

DOCUMENT_WORDS = 450  # words of a middling news story: turns a word's frequency into a document frequency
STEMS = {"en": 32_000, "de": 32_000, "es": 20_000, "fr": 20_000}
NOTICE = """\
# Derived from the word frequencies of wordfreq 3.1 (Robyn Speer and others; https://github.com/rspeer/wordfreq),
# which build on Wikipedia, OpenSubtitles, SUBTLEX (Marc Brysbaert and others), Google Books Ngrams, the Leeds
# Internet Corpus, ParaCrawl and others. This file is under CC BY-SA 4.0 (creativecommons.org/licenses/by-sa/4.0),
# unlike the rest of the package. Changed: words stemmed and folded, frequencies added up and turned into idf.
"""


def table(language: str) -> str:
    """The text of one language's table."""
    stemmer = Stemmer.Stemmer(STEMMERS[language])
    frequency: Counter[str] = Counter()
    for word, share in get_frequency_dict(language, "large").items():
        if word.isalpha():
            frequency[stem_of(word, stemmer)] += share
    shares = {stem: -math.expm1(-DOCUMENT_WORDS * share) for stem, share in frequency.items()}
    return table_text(language, shares, STEMS[language], NOTICE)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    directory: Path = parser.parse_args().directory
    for language in STEMS:
        path = directory / shipped_name(language)
        path.write_bytes(compressed(table(language)))
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
