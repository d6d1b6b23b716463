"""HTTP as wiretrace does it: polite, bounded, to permitted addresses only, with errors of our own."""

from crawler.fetch.client import ACCEPT_FEED, ACCEPT_PAGE, Fetcher
from crawler.fetch.names import Resolver
from crawler.fetch.response import Hop, Response
from crawler.fetch.robots import Robots

__all__ = ["ACCEPT_FEED", "ACCEPT_PAGE", "Fetcher", "Hop", "Resolver", "Response", "Robots"]
