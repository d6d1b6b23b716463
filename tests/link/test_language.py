from __future__ import annotations

import pytest

from crawler.link.language import guess
from crawler.link.text import Span, tokens
from tests.link import stories

ITALIAN = "La nave è rimasta ferma nel porto di Sant'Elmo per tre giorni e non si sa ancora quando potrà ripartire"
PORTUGUESE = "A empresa não pagou os salários do mês e os trabalhadores estão em greve há uma semana, diz o sindicato"
DUTCH = (
    "De boot is niet op tijd vertrokken omdat het weer te slecht was, en de reizigers zijn boos over de gang van zaken"
)


def of(text: str, declared: str | None = None) -> str:
    return guess((word.lower() for word in next(tokens(text, [Span(0, len(text))]))), declared)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (stories.CANAL, "en"),
        (stories.CANAL_CONDENSED, "en"),
        (stories.GERMAN, "de"),
        (stories.SPANISH_SPUN, "es"),
        (stories.FRENCH, "fr"),
        (stories.CHINESE, "und"),
        (stories.ARABIC, "und"),
        (ITALIAN, "und"),
        (PORTUGUESE, "und"),
        (DUTCH, "und"),
        ("", "und"),
        ("41 17 3.5 20 % 99 1,200", "und"),
    ],
)
def test_known_languages_are_told_and_others_declined(text: str, language: str) -> None:
    assert of(text) == language


def test_what_a_page_declares_only_helps_where_the_text_is_short() -> None:
    assert of("Torsby lock shut", "en-GB") == "en"
    assert of(stories.GERMAN, "en") == "de"
    assert of(stories.CHINESE, "en") == "und"
