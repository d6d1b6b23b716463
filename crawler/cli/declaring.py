"""Sources as they are given on the command line, checked as those of the file are."""

from __future__ import annotations

from collections.abc import Mapping

from crawler import settings, urls
from crawler.cli.app import Context
from crawler.errors import SettingsError, UrlRefused, UsageError
from crawler.model import Source
from crawler.settings import SourceSettings
from crawler.store import Store

# What the file's keys say as options.
_WORDS_OF_OPTIONS = {'"adaptive" or ': "", "fetch_pages = true": "--fetch-pages", 'kind = "feed"': "--kind feed"}


def declared_source(values: Mapping[str, object]) -> Source:
    """The source that the options describe; a fault names the option instead of a key of a file."""
    try:
        urls.normalize(str(values["url"]))
        return settings.checked(SourceSettings, values, "").source(declared="store")
    except UrlRefused as refused:
        raise UsageError(f"URL {refused.url!r}: {refused.detail}") from None
    except SettingsError as fault:
        option = f"--{fault.key.replace('_', '-')}: " if fault.key else ""
        expected = fault.expected
        for key, words in _WORDS_OF_OPTIONS.items():
            expected = expected.replace(key, words)
        raise UsageError(option + expected) from None


async def reconciled(store: Store, here: Context) -> None:
    """Without a configuration file nothing is said of the sources that are written in one."""
    if here.config_file is not None:
        from crawler.daemon.service import reconcile  # it brings the linker

        await reconcile(store, here.settings)
