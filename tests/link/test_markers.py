from __future__ import annotations

from typing import Any

import pytest

from crawler.link.furniture import Signs, is_furniture
from crawler.link.markers import CONSTANT, Trace, claimed_publisher, markers
from tests.link.stories import CANAL, article


def found(text: str, **fields: Any) -> set[Trace]:
    return {marker.trace for marker in markers(article("page", text, **fields))}


def publisher(text: str, **fields: Any) -> str | None:
    return claimed_publisher(markers(article("page", text, **fields)))


@pytest.mark.parametrize(
    "line",
    [
        "Copyright ©2026 Dow Jones & Company, Inc. All Rights Reserved.",
        "Copyright © 2022 Dow Jones & Company, Inc. all rights are save.",
        "© 2024 Dow Jones und Company",
        "copyright (c) 2023 dow jones &amp; company",
        "Dow Jones & Company Inc. keeps every right",
    ],
)
def test_the_notice_is_found_also_when_mangled(line: str) -> None:
    assert found(f"A story.\n\n{line}\n\nMore.") == {Trace.NOTICE}
    assert publisher(line) == "Dow Jones"


@pytest.mark.parametrize(
    "line",
    [
        "Write to Ann Example at and James Example at",
        "write to Ann M Example at and James Example at",
        "Write to Cornelia Vasquez-Thiel at",
        "Write to Ann Example at.",
    ],
)
def test_the_contact_line_is_found_when_its_addresses_are_gone(line: str) -> None:
    assert found(f"He left.\n\n{line}\n\nNext") == {Trace.MANGLED_CONTACT}


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("Write to Ann Example at ann.example@wsj.com", "The Wall Street Journal"),
        ("Write to Ann Example at ann.example@barrons.example", "Barron's"),
        ("contact ann.example (at) marketwatch.com", "MarketWatch"),
        ("—Ann Example; ann.example@dowjones.com", "Dow Jones Newswires"),
        ("(END) Dow Jones Newswires", "Dow Jones Newswires"),
        ("NEW YORK (Dow Jones)--Shares fell.", "Dow Jones Newswires"),
        ("Appeared in the March 3, 2026, print edition as 'The Lock That Wins'.", "The Wall Street Journal"),
    ],
)
def test_a_marker_tells_the_title(line: str, title: str) -> None:
    assert publisher(f"A story.\n\n{line}") == title


def test_the_constant_with_the_mangled_contact_line_is_the_journals() -> None:
    text = f"A story.\n\nwrite to Ann Example at\n\nCopyright © 2022 Dow Jones & Company. {CONSTANT}"
    assert found(text) == {Trace.NOTICE, Trace.CONSTANT, Trace.MANGLED_CONTACT}
    assert publisher(text) == "The Wall Street Journal"


def test_markers_are_found_in_trailer_notice_and_captions() -> None:
    assert found("A story.", trailer=("(END) Dow Jones Newswires",)) == {Trace.END}
    assert found("A story.", copyright="© 2026 Dow Jones & Company, Inc.") == {Trace.NOTICE}
    assert found("A story.", captions=(CONSTANT,)) == {Trace.CONSTANT}


@pytest.mark.parametrize(
    "text",
    [
        "The Dow Jones Industrial Average rose 300 points, its best day of the year.",
        "According to The Wall Street Journal, the talks failed. The Journal reported it first.",
        "Copyright © 2026 Acme News Ltd. All rights reserved.",
        "© 2026 S&P Dow Jones Indices LLC. All rights reserved.",
        "Copyright 2026 Acme. Dow Jones Industrial Average data delayed.",
        "Write to the editor at 12 High Street, Ekenby.",
        "Write to Ann Example at ann@acme.example",
        "She wrote to Ann Example at Christmas.",
        "This article appeared in the Business section of the print edition under the headline “Locks”",
        CANAL,
        "",
    ],
)
def test_a_mere_mention_or_anothers_notice_is_no_marker(text: str) -> None:
    assert found(text) == set()
    assert publisher(text) is None


@pytest.mark.parametrize(
    ("title", "traces"),
    [
        ("DJ Lindmark Waterways Cuts Outlook", {Trace.HEADLINE}),
        ("DJ Acme 4Q Net $12M", {Trace.HEADLINE}),
        ("DJ Bassline Announces Summer Tour", set()),
        ("DJI drones grounded", set()),
    ],
)
def test_a_newswire_headline_is_told_from_a_disc_jockey(title: str, traces: set[Trace]) -> None:
    assert found("A story.", title=title) == traces


def test_a_long_hostile_text_is_searched_at_both_ends_only() -> None:
    text = "write to " * 200_000 + "\n\n(END) Dow Jones Newswires"
    assert Trace.END in found(text)


@pytest.mark.parametrize(
    "line",
    [
        "Written by publishing team",
        "Lena Example/Picture Desk/Agency Images",
        "Photo: Lena Example/Picture Desk",
        "Read more: ten other stories",
        "Follow her on Twitter at @example",
        "Copyright © 2026 Dow Jones & Company, Inc.",
        "The Lock That Always Wins",
    ],
)
def test_furniture_is_no_content(line: str) -> None:
    assert is_furniture(line, Signs.of(line, "The Lock That Always Wins"))


def test_prose_is_content() -> None:
    lines = [
        "He wrote to her.",
        "“We won,” said Ms. Skov.",
        "Shares of Nordbane rose 6.4%.",
        "Profit and/or loss matter.",
    ]
    assert not any(is_furniture(line, Signs.of("\n".join(lines), "A Headline")) for line in lines)
