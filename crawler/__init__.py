"""wiretrace: crawl news sites and link rewrites back to the Dow Jones story they came from."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("wiretrace")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
