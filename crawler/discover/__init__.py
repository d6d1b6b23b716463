"""Feeds, sitemaps and listing pages to article references: pure, from bytes to data, without a network."""

from crawler.discover.reading import read
from crawler.discover.selection import Selected, select

__all__ = ["Selected", "read", "select"]
