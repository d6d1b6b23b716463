"""Extraction: the bytes of a page, or a feed's content, to an article's fields. Pure, and safe on any input."""

from crawler.extract.dispatch import extract
from crawler.extract.plaintext import extract_text
from crawler.extract.reading import extract_fragment, extract_html

__all__ = ["extract", "extract_fragment", "extract_html", "extract_text"]
