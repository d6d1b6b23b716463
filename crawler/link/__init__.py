"""Which original a page stems from: features, candidates, alignment, one calibrated decision."""

from crawler.link.linker import Linker

__all__ = ["Linker"]
