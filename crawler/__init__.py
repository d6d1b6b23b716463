"""wiretrace: crawl news sites and link rewrites back to the Dow Jones story they came from."""

import os
from importlib.metadata import PackageNotFoundError, version

# The linker multiplies small matrices, several processes at a time: threads inside one product wait for each other
# for longer than it takes. Read when numpy is loaded, so it has to stand before anything that loads it.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

try:
    __version__ = version("wiretrace")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
