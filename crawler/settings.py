"""Settings: one TOML file, any key of it also by environment variable, every key typed, with unit and default.

`WIRETRACE_FETCH__TIMEOUT=30` sets `timeout` of `[fetch]`; `WIRETRACE_DATABASE__URL_FILE=/run/secrets/db` reads
the value from a file. A wrong value is one line that names file or variable, key and what was expected.
"""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from crawler import __version__, urls
from crawler.errors import SettingsError, UrlRefused
from crawler.model import Rights, Role, Source, SourceKind

PREFIX = "WIRETRACE_"
_FILE_SUFFIX = "_file"
_OWN_VARIABLES = {"WIRETRACE_CONFIG"}

_LONG = 10_000_000.0  # seconds, about four months: no wait of ours is longer
Seconds = Annotated[float, Field(ge=0, le=_LONG)]
PositiveSeconds = Annotated[float, Field(gt=0, le=_LONG)]
Days = Annotated[float, Field(ge=0, le=36_500)]
Count = Annotated[int, Field(ge=0)]
PositiveCount = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DatabaseSettings(_Section):
    """Where everything is stored."""

    url: str = "sqlite+aiosqlite:///wiretrace.db"
    timeout: PositiveSeconds = 30.0  # seconds a statement or a lock is waited for
    pool_size: PositiveCount = 5  # connections, PostgreSQL only

    @field_validator("url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        if not value.startswith(("sqlite+aiosqlite:///", "postgresql+asyncpg://")):
            raise ValueError("expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://USER:PASSWORD@HOST/NAME")
        return value


class FetchSettings(_Section):
    """How pages are requested."""

    user_agent: str = f"wiretrace/{__version__} (+https://wiretrace.example/bot)"
    concurrency: PositiveCount = 64  # requests under way at once
    per_host: PositiveCount = 2  # requests under way at once to one host
    timeout: PositiveSeconds = 20.0  # seconds, whole request with its redirects' bodies
    connect_timeout: PositiveSeconds = 10.0  # seconds to open a connection
    max_body: PositiveCount = 10_000_000  # bytes after decompression
    max_redirects: Count = 10
    allow_private: tuple[str, ...] = ()  # networks (127.0.0.0/8) or addresses that may be fetched all the same
    allow_ports: tuple[int, ...] = ()  # ports besides 80, 443, 8000, 8008, 8080, 8443 and those of sources
    delay: Seconds = 1.0  # seconds between two requests to one host, at least
    respect_robots: bool = True
    max_age_days: Days = 7.0  # days; older entries of feeds and sitemaps are skipped; 0: no limit
    proxy: str = ""  # http(s)://HOST:PORT; empty: none
    no_proxy: tuple[str, ...] = ()  # hosts and domains (.example.com) that are asked directly
    ca_file: str = ""  # PEM file of certificate authorities besides the system's
    proxy_resolves: bool = False  # only the proxy can resolve names: they are not checked here

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from ipaddress import ip_network

        for entry in value:
            try:
                ip_network(entry, strict=False)
            except ValueError:
                raise ValueError(f"expected networks such as 10.0.0.0/8 or addresses, got {entry!r}") from None
        return value

    @field_validator("proxy")
    @classmethod
    def _proxy_url(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("expected http://HOST:PORT or https://HOST:PORT")
        return value


class ArchiveSettings(_Section):
    """The evidence archive."""

    warc_dir: str = ""  # folder for WARC files; empty: off


class LinkSettings(_Section):
    """When an article is linked to an original."""

    threshold: Share = 0.8  # on the calibrated score
    base_rate: Annotated[float, Field(gt=0, lt=1)] = 0.05  # share of rewrites in the stream
    window_days: PositiveCount = 30  # days around an article that are searched first


class OriginalsSettings(_Section):
    """How originals are kept."""

    keep_text_days: Annotated[int, Field(ge=-1)] = -1  # days; -1: for ever


class RunSettings(_Section):
    """How the daemon and the scheduled job work."""

    processes: Count = 0  # processes for extraction and linking; 0: one less than cores, at least one
    drain_timeout: PositiveSeconds = 10.0  # seconds that work under way gets to end on a signal
    poll_interval: PositiveSeconds = 900.0  # seconds between two polls of a source without `interval`
    retries: Count = 4  # further tries of a page that failed for a passing reason
    retry_delay: PositiveSeconds = 60.0  # seconds before the first further try, doubled each time


class LicensedHost(_Section):
    host: str
    publishers: tuple[str, ...]


class RightsSettings(_Section):
    """One `[[rights]]` table."""

    publishers: tuple[str, ...] = ()
    licensed_hosts: tuple[LicensedHost, ...] = ()


class SourceSettings(_Section):
    """One `[[sources]]` table."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    url: str
    role: Role
    publisher: Annotated[str, Field(max_length=200)] = ""  # empty: the source's name
    kind: SourceKind = SourceKind.AUTO
    interval: Literal["adaptive"] | Annotated[float, Field(ge=1, le=_LONG)] = "adaptive"  # seconds
    fetch_pages: bool | None = None  # aggregators: true; origins and releases: false
    redistribute: bool = False
    headers_env: dict[str, str] = Field(default_factory=dict)  # header = "NAME OF A VARIABLE"

    @field_validator("url")
    @classmethod
    def _http_url(cls, value: str) -> str:
        try:
            return urls.normalize(value)
        except UrlRefused as refused:
            raise ValueError(refused.detail) from None

    @model_validator(mode="after")
    def _pages_of_listings(self) -> SourceSettings:
        if self.role is not Role.AGGREGATOR and self.kind is SourceKind.LISTING and not self.fetch_pages:
            raise ValueError('a listing of originals gives no text: expected fetch_pages = true, or kind = "feed"')
        return self

    def source(self, declared: str = "file") -> Source:
        fetch_pages = self.role is Role.AGGREGATOR if self.fetch_pages is None else self.fetch_pages
        return Source(
            name=self.name,
            url=self.url,
            role=self.role,
            publisher=self.publisher or self.name,
            kind=self.kind,
            interval=None if self.interval == "adaptive" else float(self.interval),
            fetch_pages=fetch_pages,
            redistribute=self.redistribute,
            headers_env=self.headers_env,
            declared=declared,
        )


class Settings(BaseSettings):
    """All settings. Build them with `load`, which tells faults in the user's words."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, validate_default=True)

    database: DatabaseSettings = DatabaseSettings()
    fetch: FetchSettings = FetchSettings()
    archive: ArchiveSettings = ArchiveSettings()
    link: LinkSettings = LinkSettings()
    originals: OriginalsSettings = OriginalsSettings()
    run: RunSettings = RunSettings()
    rights: tuple[RightsSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()

    @model_validator(mode="after")
    def _unique_names(self) -> Settings:
        seen: set[str] = set()
        for source in self.sources:
            if source.name in seen:
                raise ValueError(f"expected unique names of sources, {source.name!r} is there twice")
            seen.add(source.name)
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        # Merged deeply, the first wins: the environment, then the TOML table.
        return _Environment(settings_cls), init_settings

    def source_list(self) -> tuple[Source, ...]:
        return tuple(source.source() for source in self.sources)

    def rights_list(self) -> tuple[Rights, ...]:
        return tuple(
            Rights(
                publishers=table.publishers,
                licensed_hosts={entry.host.lower(): entry.publishers for entry in table.licensed_hosts},
            )
            for table in self.rights
        )


def load(path: Path | None) -> Settings:
    """Settings from the TOML file at `path` (None: built-in defaults) under the environment's variables.

    Raises SettingsError; its message is one line with file or variable, key and what was expected.
    """
    table = _read_toml(path) if path is not None else {}
    where = str(path) if path is not None else "built-in defaults"
    _refuse_unknown_variables()
    try:
        return Settings(**table)
    except ValidationError as error:
        raise _as_settings_error(error, where) from None


def find_file(given: Path | None) -> Path | None:
    """The configuration file in force: `given`, else $WIRETRACE_CONFIG, else ./wiretrace.toml, else None."""
    if given is not None:
        return given
    if named := os.environ.get("WIRETRACE_CONFIG"):
        return Path(named)
    here = Path("wiretrace.toml")
    return here if here.is_file() else None


class _Environment(PydanticBaseSettingsSource):
    """`WIRETRACE_<SECTION>__<KEY>`, or with `_FILE` at the end the file that holds the value (mounted secrets).

    pydantic-settings' own source knows no `_FILE` and takes lists as JSON only; here `a, b` is a list too.
    """

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        return None, field_name, False

    def __call__(self) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for variable, (section, key) in _section_variables().items():
            value, name = os.environ[variable], key
            if _is_file_variable(section, key):
                name = key[: -len(_FILE_SUFFIX)]
                value = _read_secret(variable, value, f"{section}.{name}" if name else section)
            if name in table.get(section, {}) if name else section in table:
                where = f"{section}.{name}"
                raise SettingsError(variable, where, "expected the value or the file that holds it, got both")
            if name:
                table.setdefault(section, {})[name] = _parsed(value, is_list=name in _list_keys(section))
            else:
                table[section] = _parsed(value, is_list=False)
        return table


def _read_secret(variable: str, path: str, key: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(variable, key, f"expected a readable file, got {path!r} ({_reason(error)})") from None


def _parsed(value: str, *, is_list: bool) -> Any:
    if value[:1] in {"[", "{"}:
        try:
            return json.loads(value)
        except json.JSONDecodeError:
            return value
    return [part.strip() for part in value.split(",") if part.strip()] if is_list else value


def _section_variables() -> dict[str, tuple[str, str]]:
    """Variables of ours that are set: name → (section, rest of the name), both in lower case."""
    found = {}
    for variable in os.environ:
        if variable.upper().startswith(PREFIX) and variable.upper() not in _OWN_VARIABLES:
            section, _, key = variable[len(PREFIX) :].lower().partition("__")
            if not key and section.endswith(_FILE_SUFFIX) and section not in Settings.model_fields:
                section, key = section[: -len(_FILE_SUFFIX)], _FILE_SUFFIX  # WIRETRACE_SOURCES_FILE
            found[variable] = (section, key)
    return found


def _is_file_variable(section: str, key: str) -> bool:
    # `ca_file` is a key of its own: only a suffix after a whole key means a file.
    return key.endswith(_FILE_SUFFIX) and key not in _keys(section)


def _keys(section: str) -> set[str]:
    return set(model.model_fields) if (model := _model(section)) else set()


def _list_keys(section: str) -> set[str]:
    model = _model(section)
    fields = model.model_fields if model else {}
    return {name for name, field in fields.items() if str(field.annotation).startswith("tuple[")}


def _model(section: str) -> type[BaseModel] | None:
    field = Settings.model_fields.get(section)
    model = field.annotation if field is not None else None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _refuse_unknown_variables() -> None:
    for variable, (section, key) in _section_variables().items():
        if section in {"sources", "rights"} and key in {"", _FILE_SUFFIX}:
            continue
        keys = _keys(section)
        if not keys:
            raise SettingsError(variable, section, "unknown section" + _did_you_mean(section, Settings.model_fields))
        name = key[: -len(_FILE_SUFFIX)] if _is_file_variable(section, key) else key
        if name not in keys:
            raise SettingsError(variable, f"{section}.{name}", "unknown key" + _did_you_mean(name, keys))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(str(path), "", "no such file; `wiretrace init` writes one with working defaults") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), "", f"expected a readable TOML file in UTF-8 ({_reason(error)})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), "", f"expected TOML: {error}") from None


def _as_settings_error(error: ValidationError, where: str) -> SettingsError:
    """The first fault as one line; the others show once it is mended."""
    fault = error.errors(include_url=False)[0]
    place = fault["loc"]
    key = _dotted(place)
    section = str(place[0]) if place else ""
    if len(place) > 1:
        name = f"{PREFIX}{section}__{place[1]}".upper()
        given = {variable.upper(): variable for variable in os.environ}
        for candidate in (name, name + _FILE_SUFFIX.upper()):
            if candidate in given:
                where = given[candidate]
    if fault["type"] == "extra_forbidden":
        return SettingsError(where, key, "unknown key" + _did_you_mean(str(place[-1]), _siblings(place)))
    if fault["type"] == "missing":
        return SettingsError(where, key, "is missing")
    message = fault["msg"].removeprefix("Value error, ")
    message = message.replace("Input should be", "expected")
    value = fault["input"]
    if message == "expected 'adaptive'":
        message = 'expected "adaptive" or seconds, 1 or more'
    if isinstance(value, str | int | float | bool) and "url" not in key and "header" not in key:
        message += f", got {value!r}"  # URLs may hold a password, headers a token
    return SettingsError(where, key, message)


def _dotted(place: tuple[int | str, ...]) -> str:
    """`sources[1].url`: entries counted from 1, as a person counts tables in a file."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        elif not part.startswith(("literal[", "function-", "constrained-", "float", "lax-or-strict")):
            text += f".{part}" if text else part
    return text


def _siblings(place: tuple[int | str, ...]) -> Iterable[str]:
    if len(place) == 1:
        return Settings.model_fields
    section = str(place[0])
    if section == "sources":
        return SourceSettings.model_fields
    if section == "rights":
        return RightsSettings.model_fields
    return _keys(section)


def _did_you_mean(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(known), n=1)
    return f", did you mean {near[0]!r}?" if near else f"; expected one of {', '.join(sorted(known))}"


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not UTF-8"
