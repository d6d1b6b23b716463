"""Content encodings: what was put in comes out, and a bomb does not go off."""

from __future__ import annotations

import contextlib
import gzip
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from crawler.errors import BodyTooLarge, BodyUndecodable, MediaRefused
from crawler.fetch.decoder import BodyDecoder
from tests.web import response


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-15)
    return packer.compress(data) + packer.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": raw_deflate,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstd.compress,
}


def decode(encodings: str, raw: bytes, *, limit: int = 1_000_000, chunk: int = 65_536) -> bytes:
    decoder = BodyDecoder("http://a.example/", encodings, limit)
    pieces = [piece for at in range(0, len(raw), chunk) for piece in decoder.feed(raw[at : at + chunk])]
    decoder.finish()
    return b"".join(pieces)


@given(st.binary(max_size=3_000), st.sampled_from(sorted(PACKERS)), st.integers(1, 500))
def test_what_was_packed_comes_out_however_it_arrives(data: bytes, packer: str, chunk: int):
    encoding = packer.removeprefix("raw ")
    assert decode(encoding, PACKERS[packer](data), chunk=chunk) == data


@given(st.binary(min_size=1, max_size=3_000), st.sampled_from(sorted(PACKERS)), st.data())
def test_a_body_that_is_cut_off_is_an_error(data: bytes, packer: str, draw: st.DataObject):
    packed = PACKERS[packer](data)
    cut = draw.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(BodyUndecodable):
        decode(packer.removeprefix("raw "), packed[:cut])


@given(st.binary(max_size=500), st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "zstd, deflate"]))
def test_any_bytes_end_in_text_or_our_own_error(data: bytes, encodings: str):
    with contextlib.suppress(BodyUndecodable, BodyTooLarge):
        decode(encodings, data, limit=10_000)


@pytest.mark.parametrize("packer", ["gzip", "zstd"])
@pytest.mark.parametrize("chunk", [1, 3, 10_000])
def test_several_members_are_one_body(packer, chunk):
    pack = PACKERS[packer]
    raw = pack(b"one ") + pack(b"") + pack(b"two ") + pack(b"three")
    assert decode(packer, raw, chunk=chunk) == b"one two three"


@pytest.mark.parametrize("padding", [b"\0" * 512, b"\x1f", b"\r\n", b"garbage"])
def test_padding_after_the_end_is_overlooked(padding):
    assert decode("gzip", gzip.compress(b"text") + padding) == b"text"


def test_two_encodings_come_off_in_reverse_order():
    raw = brotli.compress(gzip.compress(b"text"))
    assert decode("gzip, br", raw) == b"text"
    with pytest.raises(BodyUndecodable):
        decode("br, gzip", raw)


def test_three_encodings_are_refused():
    with pytest.raises(BodyUndecodable, match="3 content encodings"):
        decode("gzip, gzip, gzip", b"")


@pytest.mark.parametrize("encodings", ["compress", "gzip, rot13", "sdch"])
def test_an_unknown_encoding_is_refused(encodings):
    with pytest.raises(BodyUndecodable, match="unknown"):
        decode(encodings, b"x")


@pytest.mark.parametrize("encodings", ["", "identity", "Identity, ", "UTF-8", "none"])
def test_what_is_no_encoding_leaves_the_body_alone(encodings):
    assert decode(encodings, b"text") == b"text"


@pytest.mark.parametrize("encodings", ["gzip", "br", "zstd", "deflate"])
def test_an_empty_body_is_empty_in_any_encoding(encodings):
    assert decode(encodings, b"") == b""


@pytest.mark.parametrize("packer", ["gzip", "deflate", "br", "zstd"])
def test_a_bomb_is_noticed_at_the_limit(packer):
    bomb = PACKERS[packer](b"\0" * 50_000_000)
    decoder = BodyDecoder("http://a.example/", packer, 1_000_000)
    size = 0

    def swallow() -> None:
        nonlocal size
        for piece in decoder.feed(bomb):
            size += len(piece)

    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        swallow()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size <= 1_000_000
    assert peak < 10_000_000  # one piece and the decompressors' windows


def test_a_bomb_within_a_bomb_is_noticed_in_its_outer_layer():
    inner = gzip.compress(b"\0" * 20_000_000)
    with pytest.raises(BodyTooLarge):
        decode("gzip, gzip", gzip.compress(inner), limit=10_000)


def test_garbage_behind_the_inner_end_can_not_keep_the_outer_layer_busy():
    inner = gzip.compress(b"text") + b"\0" * 20_000_000
    with pytest.raises(BodyTooLarge):
        decode("gzip, gzip", gzip.compress(inner), limit=1_000_000)


def test_a_body_of_thousands_of_members_is_refused():
    with pytest.raises(BodyUndecodable, match="members"):
        decode("gzip", gzip.compress(b"") * 100_000)


def test_a_window_larger_than_browsers_take_is_refused():
    packer = zstd.ZstdCompressor(options={zstd.CompressionParameter.window_log: 27})
    packed = packer.compress(b"x" * 100) + packer.flush()
    with pytest.raises(BodyUndecodable):
        decode("zstd", packed)


@pytest.mark.parametrize("packer", ["gzip", "deflate", "br", "zstd"])
async def test_a_packed_page_comes_unpacked_and_as_sent(web, fetcher, packer):
    text = b"<p>The ferry runs again. " * 2_000
    packed = PACKERS[packer](text)
    got = await fetcher.get(web.page("/", packed, headers={"Content-Encoding": packer}))
    assert (got.body, got.raw) == (text, packed)


@pytest.mark.parametrize("packer", ["gzip", "br", "zstd"])
async def test_a_bomb_from_a_server_is_too_large(web, fetcher, packer):
    bomb = PACKERS[packer](b"\0" * 50_000_000)
    with pytest.raises(BodyTooLarge):
        await fetcher.get(web.page("/", bomb, headers={"Content-Encoding": packer}))


async def test_a_page_whose_packing_is_cut_off_is_undecodable(web, fetcher):
    web.raw("/", response(gzip.compress(b"<p>The ferry runs again.")[:-6], headers={"Content-Encoding": "gzip"}))
    with pytest.raises(BodyUndecodable, match="cut off"):
        await fetcher.get(web.url("/"))


async def test_a_packed_pdf_is_known_too(web, fetcher):
    with pytest.raises(MediaRefused):
        await fetcher.get(web.page("/", gzip.compress(b"%PDF-1.4 ..."), headers={"Content-Encoding": "gzip"}))
