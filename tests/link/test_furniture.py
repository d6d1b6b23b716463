from __future__ import annotations

from crawler.link.furniture import story_spans
from crawler.link.text import sentences

STORY = (
    "The lock at Torsby will shut for fourteen weeks, the canal company said on Monday. Barges have to go round "
    "through the sound, which takes them two days longer. Agnes Holmqvist, who runs the company, said that the gates "
    "are as old as the canal. Skippers were told in a letter that reached them on Saturday."
)
LIST = (
    "More from Ida Mell:\n\nWhy the gates of Torsby groan\n\nIs the Sound deep enough for barges?\n\n"
    "Seven locks that nobody opens\n\nThe lamp that outlived its keeper\n\n"
)


def kept(text: str) -> str:
    return " ".join(text[start:end] for start, end in story_spans(text, "A headline", sentences(text)))


def test_a_list_of_other_stories_goes_with_the_note_below_it() -> None:
    note = "Ida Mell writes on water. She reads what readers write. Her columns come by post as well."
    assert kept(f"{STORY}\n\n{LIST}{note}") == STORY


def test_a_story_that_goes_on_below_such_a_list_is_kept() -> None:
    assert kept(f"{STORY}\n\n{LIST}{STORY} {STORY}") == f"{STORY} {STORY} {STORY}"


def test_a_text_of_lines_is_no_list_of_other_stories() -> None:
    lines = "Read the log\n\nLock shut\n\nLock opened\n\nLock shut again\n\nKeeper gone"
    assert kept(lines) == lines.replace("\n\n", " ")
