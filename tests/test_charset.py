"""Charsets: pages as they are on the web, and as they say they are."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crawler import charset

TEXTS = {
    "utf-8": "Der Fährbetrieb läuft wieder – seit Montag, sagt die Hafenbehörde.",
    "cp1252": "Der Fährbetrieb läuft wieder – “seit Montag”, sagt die Hafenbehörde für 5 €.",
    "cp1251": "Паром снова ходит через пролив, сообщила в понедельник администрация порта.",
    "koi8-r": "Паром снова ходит через пролив, сообщила в понедельник администрация порта.",
    "cp1253": "Το φέριμποτ λειτουργεί ξανά από τη Δευτέρα, ανακοίνωσε η λιμενική αρχή.",
    "cp1255": "המעבורת פועלת שוב מאז יום שני, כך הודיעה רשות הנמל.",
    "cp1256": "عادت العبارة إلى العمل يوم الاثنين كما أعلنت سلطة الميناء.",
    "cp874": "เรือข้ามฟากกลับมาให้บริการอีกครั้งตั้งแต่วันจันทร์ การท่าเรือกล่าว",
    "cp932": "フェリーは月曜日から再び運航していると港湾当局が発表した。料金は変わらない。",
    "euc_jp": "フェリーは月曜日から再び運航していると港湾当局が発表した。料金は変わらない。",
    "gb18030": "港务局周一宣布渡轮已恢复通航，票价保持不变，预计本周客流将会增加。",
    "big5hkscs": "港務局週一宣布渡輪已恢復通航，票價保持不變，預計本週客流將會增加。",
    "cp949": "항만 당국은 월요일부터 여객선 운항이 다시 시작되었다고 발표했다. 요금은 그대로다.",
}


def page(text: str, declaration: str = "") -> str:
    return f"<!doctype html><html><head>{declaration}<title>Ferry</title></head><body>" + f"<p>{text}</p>" * 3


@pytest.mark.parametrize("codec", sorted(TEXTS))
def test_a_page_that_says_nothing_is_read_right(codec):
    text = page(TEXTS[codec])
    assert charset.decode(text.encode(codec)) == text


@pytest.mark.parametrize("codec", sorted(TEXTS))
@pytest.mark.parametrize("where", ["header", "meta", "http-equiv", "xml"])
def test_a_page_that_says_so_is_read_so(codec, where):
    label = {"cp932": "Shift_JIS", "cp949": "euc-kr", "big5hkscs": "Big5", "cp874": "tis-620"}.get(codec, codec)
    label = label.replace("cp125", "windows-125")
    declaration = {
        "header": "",
        "meta": f'<meta charset="{label}">',
        "http-equiv": f'<meta http-equiv="Content-Type" content="text/html; charset={label}">',
        "xml": "",
    }[where]
    text = page(TEXTS[codec], declaration)
    if where == "xml":
        text = f'<?xml version="1.0" encoding="{label}"?>{text}'
    assert charset.decode(text.encode(codec), label if where == "header" else None) == text


@pytest.mark.parametrize("lie", ["iso-8859-1", "windows-1251", "shift_jis", "utf-16", "none", "x" * 60])
def test_a_header_that_lies_about_utf8_is_not_believed(lie):
    text = page(TEXTS["utf-8"])
    assert charset.decode(text.encode(), lie) == text


def test_a_header_that_lies_about_another_charset_gives_way_to_the_page():
    text = page(TEXTS["cp1251"], '<meta charset="windows-1251">')
    assert charset.decode(text.encode("cp1251"), "utf-8") == text
    text = page(TEXTS["cp1251"], '<meta charset="windows-1251">')
    assert charset.decode(text.encode("cp1251"), "euc-kr") == text


def test_the_header_counts_before_the_page():
    text = page(TEXTS["cp1251"], '<meta charset="iso-8859-1">')
    assert charset.decode(text.encode("cp1251"), "windows-1251") == text


def test_latin_1_and_ascii_mean_windows_1252():
    for label in ("iso-8859-1", "latin1", "us-ascii", "ISO_8859-1"):
        assert charset.decode("“5 €”".encode("cp1252"), label) == "“5 €”"


@pytest.mark.parametrize(
    ("codec", "mark"), [("utf-8", "utf-8-sig"), ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16-be")]
)
def test_a_byte_order_mark_counts_before_all(codec, mark):
    text = page(TEXTS["utf-8"], '<meta charset="koi8-r">')
    marked = ("\ufeff" + text).encode("utf-16-be") if codec == "utf-16-be" else text.encode(mark)
    assert charset.decode(marked, "windows-1252") == text


def test_utf_16_without_a_mark_is_known_by_header_or_by_xml():
    text = '<?xml version="1.0" encoding="utf-16"?><rss/>'
    assert charset.decode(text.encode("utf-16-be")) == text
    assert charset.decode("<p>text".encode("utf-16-le"), "utf-16le") == "<p>text"


def test_a_meta_that_says_utf_16_in_ascii_means_utf_8():
    text = page(TEXTS["utf-8"], '<meta charset="utf-16">')
    assert charset.decode(text.encode()) == text


def test_a_body_cut_off_within_a_character_is_still_utf_8():
    body = page(TEXTS["utf-8"] + "…").encode().removesuffix(b"</p>")
    assert charset.decode(body[:-1]).startswith("<!doctype html>")
    assert "Fährbetrieb" in charset.decode(body[:-1])


def test_one_broken_byte_does_not_spoil_a_utf_8_page():
    body = page(TEXTS["utf-8"] * 5).encode() + b"\xe9 end"
    for header in (None, "utf-8"):
        assert charset.decode(body, header).endswith("\ufffd end")
        assert "Fährbetrieb" in charset.decode(body, header)


def test_a_declaration_far_down_is_not_looked_for():
    text = "<p>" + " " * 5_000 + '<meta charset="koi8-r">' + TEXTS["cp1252"]
    assert charset.detect(text.encode("cp1252")) == "cp1252"


def test_plain_text_has_no_declaration():
    text = '<meta charset="koi8-r"> is how a page says it: ' + TEXTS["cp1252"]
    assert charset.decode(text.encode("cp1252"), is_html=False) == text


def test_a_short_gbk_text_that_is_utf_8_by_chance_is_read_as_declared():
    assert charset.decode("联通".encode("gbk"), "gbk") == "联通"


@pytest.mark.parametrize(
    "label",
    [
        "utf-7",
        "base64",
        "zlib",
        "rot13",
        "unicode_escape",
        "idna",
        "punycode",
        "undefined",
        "hz",
        "../x",
        "",
        "a b",
        "é",
    ],
)
def test_labels_that_are_no_charset_of_the_web_are_none(label):
    assert charset.codec_of(label) is None


@pytest.mark.parametrize(
    ("label", "codec"),
    [
        ("UTF8", "utf-8"), (" 'x-sjis' ", "cp932"), ("x-gbk", "gb18030"), ("GB2312", "gb18030"),
        ("ks_c_5601-1987", "cp949"),
        ("iso-8859-8-i", "iso8859-8"), ("windows-31j", "cp932"), ("dos-874", "cp874"), ("iso-8859-9", "cp1254"),
        ("big5-hkscs", "big5hkscs"), ("macintosh", "mac-roman"), ("l2", "iso8859-2"), ("iso-2022-jp", "iso2022_jp"),
    ],
)  # fmt: skip
def test_labels_of_the_standard_are_known(label, codec):
    assert charset.codec_of(label) == codec


LABELS = st.sampled_from(
    [None, "utf-8", "utf-16", "gb18030", "big5", "euc-kr", "shift_jis", "iso-2022-jp", "x", "koi8-r"]
)


@given(st.binary(max_size=500), LABELS, st.booleans())
def test_any_bytes_are_text_without_surrogates(body: bytes, label: str | None, is_html: bool):
    charset.decode(body, label, is_html=is_html).encode("utf-8")


def test_surrogates_written_out_in_utf_16_are_replaced():
    body = b"\xff\xfe" + "a".encode("utf-16-le") + b"\x00\xd8" + "b".encode("utf-16-le")
    assert charset.decode(body).encode()


@given(st.text(max_size=300))
def test_utf_8_comes_back_as_it_was(text: str):
    text = text.encode("utf-8", "replace").decode().lstrip("\ufeff\x00<")
    if len(text.encode()) > 40 and not text.isascii():
        assert charset.decode(text.encode(), "utf-8") == text


def test_detection_reads_a_bounded_sample_of_ten_megabytes():
    body = (page(TEXTS["cp1251"]) * 10_000).encode("cp1251")
    assert charset.detect(body[:10_000_000]) == "cp1251"
