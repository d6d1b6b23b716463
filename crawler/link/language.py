"""Which of the languages that the linker knows a text is written in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice

from crawler.link.lexicon import STEMMERS, UNKNOWN

SAMPLE = 400  # tokens looked at
_LEAST_SHARE = 0.14  # of function words: running text has 0.3 to 0.5, lists and other languages less
_LEAST_LEAD = 1.25  # over the second best, which for Spanish and Portuguese is close

# Function words. Italian, Portuguese, Dutch and others stand here to be told apart, not to be linked.
_FUNCTION_WORDS = {
    "en": "the of and to in a is that for it with on was as are by be at this have from or had not but were which "
    "his her they he she an has its said will their who been would after about more than when",
    "de": "der die das und ist nicht ein eine zu den von mit sich des auf für dem im auch es an werden aus er hat "
    "dass sie nach wird bei einer um am sind noch wie einem über so zum war haben nur oder aber vor zur bis",
    "es": "de la que el en y los del se las por un para con no una su al lo como más pero sus le ya este sí porque "
    "esta son entre está cuando muy sin sobre ser también me hasta hay donde han fue desde ha",
    "fr": "de la le et les des en un du une que est pour qui dans a par plus pas au sur ne se ce il sont la avec ont "
    "cette ses mais comme ou si leur y aux été d'un d'une elle nous deux fait entre après c'est qu'il",
    "it": "di che è e la il un a per in una mi sono non si lo ma ho ha con del della dei le da al nel gli alla come "
    "più anche questo dal delle nella",
    "pt": "de que e o a do da em um para é com não uma os no se na por mais as dos como mas foi ao ele das tem à seu "
    "sua ou ser quando muito há nos já está",
    "nl": "de het een en van ik te dat die in je is niet op met voor zijn maar er was aan als ook bij nog wel naar "
    "hij om door uit tot werd worden over",
    "sv": "och att det i en som är av för på den med inte till ett om har de jag var så men han hade från vid kan",
    "da": "og at det i en som er af for på den med ikke til et om har de jeg var så men han fra ved kan blev",
    "pl": "i w nie na się że z do to jest o jak po co ale od za tak przez przy był był dla oraz jego",
    "ro": "și în de la a nu că cu pe din care pentru este o mai au fost să un ce prin",
    "tr": "ve bir bu da de için ile olarak daha olan çok en gibi kadar sonra ama değil",
    "hu": "a az és hogy nem is egy ez meg de csak van már még el ki ha vagy azt volt",
    "cs": "a se v na je že s z do o k i jako za by ale si po jsou od pro jeho který",
}
_SPEAKERS: dict[str, tuple[str, ...]] = {
    word: tuple(language for language, words in _FUNCTION_WORDS.items() if word in words.split())
    for word in " ".join(_FUNCTION_WORDS.values()).split()
}


def guess(words: Iterable[str], declared: str | None = None) -> str:
    """`en`, `de`, `es`, `fr`, or `und` for anything else and anything unclear.

    `words` are lower-case tokens in order. What a page declares only decides where the text is too short to
    tell: templates declare English whatever is written in them.
    """
    sample = list(islice(words, SAMPLE))
    counts = dict.fromkeys(_FUNCTION_WORDS, 0)
    seen = Counter(sample)
    for word in seen.keys() & _SPEAKERS.keys():
        for language in _SPEAKERS[word]:
            counts[language] += seen[word]
    ranked = sorted(counts, key=lambda language: (-counts[language], language))
    best, second = ranked[0], ranked[1]
    share = counts[best] / max(1, len(sample))
    if share >= _LEAST_SHARE and counts[best] >= 3 and counts[best] >= _LEAST_LEAD * counts[second]:
        return best if best in STEMMERS else UNKNOWN
    primary = (declared or "").lower().replace("_", "-").split("-")[0]
    return primary if primary in STEMMERS and len(sample) < 40 else UNKNOWN
