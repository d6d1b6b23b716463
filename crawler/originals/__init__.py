"""Originals out of licensed deliveries: pure readers over files, item by item; they know no store."""

from crawler.originals.items import Delivery, Fault, Format, Item, RawOriginal
from crawler.originals.reading import read

__all__ = ["Delivery", "Fault", "Format", "Item", "RawOriginal", "read"]
