"""Settings: one TOML file, any key of it also by environment variable, every key typed, with unit and default.

`WIRETRACE_FETCH__TIMEOUT=30` sets `timeout` of `[fetch]`; `WIRETRACE_DATABASE__URL_FILE=/run/secrets/db` reads
the value from a file. A wrong value is one line that names file or variable, key and what was expected.

The file's types are taken at their word (`"1"` is no number, `true` no count); variables are text and are read as what
their key holds.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, get_args, get_origin

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from crawler import __version__, checks, urls
from crawler.errors import SettingsError, UrlRefused
from crawler.model import Rights, Role, Source, SourceKind, Standing
from crawler.webhooks import OF_LINKS, Event

PREFIX = "WIRETRACE_"
MIN_SECRET = 20  # characters
_FILE_SUFFIX = "_file"
Place = tuple[int | str, ...]  # pydantic's path to a value

_OWN_VARIABLES = {"WIRETRACE_CONFIG"}

_LONG = 10_000_000.0  # seconds, about four months: no wait of ours is longer
Seconds = Annotated[float, Field(strict=True, ge=0, le=_LONG)]
PositiveSeconds = Annotated[float, Field(strict=True, gt=0, le=_LONG)]
Days = Annotated[float, Field(strict=True, ge=0, le=36_500)]
Count = Annotated[int, Field(strict=True, ge=0)]
PositiveCount = Annotated[int, Field(strict=True, ge=1)]
Share = Annotated[float, Field(strict=True, ge=0, le=1)]
Flag = Annotated[bool, Field(strict=True)]


def _normalized(url: str) -> str:
    try:
        return urls.normalize(url)
    except UrlRefused as refused:
        raise ValueError(refused.detail) from None


HttpUrl = Annotated[str, AfterValidator(_normalized)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class DatabaseSettings(_Section):
    """Where everything is stored."""

    url: str = "sqlite+aiosqlite:///wiretrace.db"  # a SQLite file, or postgresql+asyncpg://USER:PASSWORD@HOST/NAME
    timeout: PositiveSeconds = 30.0  # seconds a statement or a lock is waited for
    pool_size: PositiveCount = 5  # connections, PostgreSQL only
    # secret behind the hashes that stand in for texts past [originals] keep_text_days; empty: one that the store keeps
    text_key: Annotated[str, Field(max_length=1_000)] = ""

    @field_validator("text_key")
    @classmethod
    def _long_enough(cls, value: str) -> str:
        if value and len(value) < MIN_SECRET:
            raise ValueError(f"expected a secret of at least {MIN_SECRET} characters")
        return value

    @field_validator("url")
    @classmethod
    def _known_engine(cls, value: str) -> str:
        return checks.database_url(value)


class FetchSettings(_Section):
    """How pages are requested."""

    # what we call ourselves: tell site owners who you are and where they reach you
    user_agent: str = f"wiretrace/{__version__} (+https://wiretrace.example/bot)"
    concurrency: PositiveCount = 64  # requests under way at once
    per_host: PositiveCount = 2  # requests under way at once to one host
    timeout: PositiveSeconds = 20.0  # seconds, whole request with its redirects' bodies
    connect_timeout: PositiveSeconds = 10.0  # seconds to open a connection
    max_body: PositiveCount = 10_000_000  # bytes after decompression
    max_redirects: Count = 10  # redirects followed for one page
    allow_private: tuple[str, ...] = ()  # networks (127.0.0.0/8) or addresses that may be fetched all the same
    allow_ports: tuple[int, ...] = ()  # ports besides 80, 443, 8000, 8008, 8080, 8443 and those of sources
    delay: Seconds = 1.0  # seconds between two requests to one host, at least
    respect_robots: Flag = True  # heed robots.txt
    max_age_days: Days = 7.0  # days; older entries of feeds and sitemaps are skipped; 0: no limit
    proxy: str = ""  # http(s)://HOST:PORT; empty: none
    no_proxy: tuple[str, ...] = ()  # hosts and domains (.example.com) that are asked directly
    ca_file: str = ""  # PEM file of certificate authorities besides the system's
    proxy_resolves: Flag = False  # only the proxy can resolve names: they are not checked here

    @field_validator("user_agent")
    @classmethod
    def _header_value(cls, value: str) -> str:
        return checks.user_agent(value)

    @field_validator("allow_ports", mode="before")
    @classmethod
    def _ports(cls, value: object) -> object:
        for port in value if isinstance(value, list | tuple) else ():
            if isinstance(port, bool) or not isinstance(port, int) or not 1 <= port <= 65_535:
                raise ValueError(f"expected ports from 1 to 65535, got {_shown(port)}")
        return value

    @field_validator("no_proxy")
    @classmethod
    def _hosts(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checks.host_or_network(entry) for entry in value)

    @field_validator("allow_private")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(checks.network(entry) for entry in value)

    @field_validator("proxy")
    @classmethod
    def _proxy_url(cls, value: str) -> str:
        return checks.proxy_url(value) if value else value


class ArchiveSettings(_Section):
    """The evidence archive."""

    warc_dir: str = ""  # folder for WARC files; empty: off


class LinkSettings(_Section):
    """When an article is linked to an original."""

    threshold: Share = 0.8  # on the calibrated score
    base_rate: Annotated[float, Field(strict=True, gt=0, lt=1)] = 0.05  # share of rewrites in the stream
    window_days: PositiveCount = 30  # days; an original further away needs stronger evidence, none is excluded
    # tables of `wiretrace db idf` in place of the package's; a change takes effect by `wiretrace db reindex`
    idf: tuple[str, ...] = ()


class OriginalsSettings(_Section):
    """How originals are kept."""

    # days after which hashes stand in for the text of an original or a release; -1: never
    keep_text_days: Annotated[int, Field(strict=True, ge=-1, le=36_500)] = -1


class RunSettings(_Section):
    """How the daemon and the scheduled job work."""

    processes: Count = 0  # processes for extraction and linking; 0: one less than the cores, but both of two
    drain_timeout: PositiveSeconds = 10.0  # seconds that work under way gets to end on a signal
    poll_interval: PositiveSeconds = 900.0  # seconds between two polls of a source of whose habits nothing is known yet
    retries: Count = 4  # further tries of a page that failed for a passing reason
    retry_delay: PositiveSeconds = 60.0  # seconds before the first further try, doubled each time


class MetricsSettings(_Section):
    """The port for Prometheus and for health checks, while `run` works."""

    # HOST:PORT, or a port of this machine alone: /metrics, /healthz and /readyz are served there; empty: off
    listen: str = ""

    @field_validator("listen", mode="before")
    @classmethod
    def _address(cls, value: object) -> object:
        return checks.listen_address(value) if isinstance(value, str) and value else value


class LicensedHost(_Section):
    host: str  # a host and all below it
    publishers: tuple[str, ...]  # whose stories it may republish; empty: all


class RightsSettings(_Section):
    """One `[[rights]]` table."""

    # whose rights are ours, by name or by a vendor's code of the source; without any `[[rights]]`: Dow Jones' titles
    publishers: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()  # names in our copyright notices; with some, a notice of another is a third party's
    licensed_hosts: tuple[LicensedHost, ...] = ()  # who may republish which of them


class SourceSettings(_Section):
    """One `[[sources]]` table."""

    name: Annotated[str, Field(min_length=1, max_length=200)]  # one that no other source has
    url: HttpUrl  # http(s)://… of a feed, sitemap or section front
    role: Role  # whose stories are looked for (origin), the sites to watch (aggregator), what others rework (release)
    publisher: Annotated[str, Field(max_length=200)] = ""  # empty: the source's name
    kind: SourceKind = SourceKind.AUTO  # auto: told by content
    # seconds between two polls, or "adaptive"
    interval: Literal["adaptive"] | Annotated[float, Field(strict=True, ge=1, le=_LONG)] = "adaptive"
    fetch_pages: Flag | None = None  # aggregators: true; origins and releases: false
    redistribute: Flag = False  # whether a licensed text may leave in exports, feeds, webhooks, API, reports
    backfill: Count = 50_000  # entries of its first document that are taken, the newest; they count as no news
    headers_env: dict[str, str] = Field(default_factory=dict)  # header = name of a variable that holds its value

    @field_validator("headers_env")
    @classmethod
    def _headers(cls, value: dict[str, str]) -> dict[str, str]:
        for header, variable in value.items():
            checks.header_from(header, variable)
        return value

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
            backfill=self.backfill,
        )


class WebhookSettings(_Section):
    """One `[[webhooks]]` table: a program that `run` tells what changes."""

    name: Annotated[str, Field(min_length=1, max_length=200)]  # one that no other webhook has; its place goes by it
    url: HttpUrl  # http(s)://… to which changes are sent; private addresses only where [fetch] allow_private lists them
    secret_env: str  # name of a variable (or of it with _FILE) that holds the secret by which deliveries are signed
    events: Annotated[tuple[Event, ...], Field(min_length=1)] = OF_LINKS  # what it is told
    min_score: Share = 0.0  # links with a lower score are not told
    standing: tuple[Standing, ...] = ()  # links of these standings only; empty: of all
    publisher: tuple[str, ...] = ()  # originals, articles and stories of these publishers only; empty: of all
    retries: Count = 12  # further tries, before a delivery is given up
    retry_delay: PositiveSeconds = 10.0  # seconds before the first further try, doubled each time up to an hour
    enabled: Flag = True  # false: nothing is sent; what is missed meanwhile is sent once it is true again

    @field_validator("secret_env")
    @classmethod
    def _variable(cls, value: str) -> str:
        return checks.variable(value)


Named = TypeVar("Named", SourceSettings, WebhookSettings)


class Settings(BaseSettings):
    """All settings. Build them with `load`, which tells faults in the user's words."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True, validate_default=True)

    database: DatabaseSettings = DatabaseSettings()
    fetch: FetchSettings = FetchSettings()
    archive: ArchiveSettings = ArchiveSettings()
    link: LinkSettings = LinkSettings()
    originals: OriginalsSettings = OriginalsSettings()
    run: RunSettings = RunSettings()
    metrics: MetricsSettings = MetricsSettings()
    rights: tuple[RightsSettings, ...] = ()
    webhooks: tuple[WebhookSettings, ...] = ()
    sources: tuple[SourceSettings, ...] = ()

    @field_validator("sources", "webhooks")
    @classmethod
    def _unique_names(cls, value: tuple[Named, ...], info: ValidationInfo) -> tuple[Named, ...]:
        seen: set[str] = set()
        for one in value:
            if one.name in seen:
                raise ValueError(f"expected unique names of {info.field_name}, {one.name!r} is there twice")
            seen.add(one.name)
        return value

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
                holders=table.holders,
                licensed_hosts={entry.host.lower(): entry.publishers for entry in table.licensed_hosts},
            )
            for table in self.rights
        )


Table = TypeVar("Table", bound=_Section)


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
        raise _fault(error, lambda place: _variable_of(place) or where) from None


def checked(model: type[Table], values: Mapping[str, Any], where: str) -> Table:
    """One table whose values come from elsewhere, such as a command's options; `where` is how a fault calls that.

    Raises SettingsError as `load` does.
    """
    try:
        return model(**values)
    except ValidationError as error:
        raise _fault(error, lambda _: where) from None


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
                table.setdefault(section, {})[name] = _from_text(value, _annotation(section, name))
            else:
                table[section] = _tables(variable, section, value)
        return table


def _read_secret(variable: str, path: str, key: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(variable, key, f"expected a readable file, got {path!r} ({_reason(error)})") from None


def _from_text(text: str, annotation: Any) -> Any:
    """A variable's text as what its key holds; text that is none of that is left for the validation to tell."""
    if get_origin(annotation) is tuple:
        if text[:1] == "[":
            try:
                return json.loads(text)
            except ValueError:
                return text
        return [_from_text(part.strip(), get_args(annotation)[0]) for part in text.split(",") if part.strip()]
    if annotation in {bool, int, float}:
        try:
            return _reader(annotation).validate_python(text)
        except ValidationError:
            pass
    return text


@cache
def _reader(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def _tables(variable: str, section: str, text: str) -> Any:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise SettingsError(variable, section, f"expected a list of tables as JSON: {error}") from None
    if not isinstance(found, list):
        raise SettingsError(variable, section, f"expected a list of tables as JSON, got {_shown(found)}")
    return found


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


def _annotation(section: str, key: str) -> Any:
    model = _model(section)
    field = model.model_fields.get(key) if model else None
    return field.annotation if field is not None else None


def _model(section: str) -> type[BaseModel] | None:
    field = Settings.model_fields.get(section)
    model = field.annotation if field is not None else None
    return model if isinstance(model, type) and issubclass(model, BaseModel) else None


def _refuse_unknown_variables() -> None:
    for variable, (section, key) in _section_variables().items():
        if section in {"sources", "rights", "webhooks"}:
            if key in {"", _FILE_SUFFIX}:
                continue
            whole = f"{PREFIX}{section}".upper()
            raise SettingsError(variable, section, f"expected the list as a whole, as JSON in {whole}")
        keys = _keys(section)
        if not keys:
            raise SettingsError(
                variable, section, "unknown section" + checks.did_you_mean(section, Settings.model_fields)
            )
        name = key[: -len(_FILE_SUFFIX)] if _is_file_variable(section, key) else key
        if not name:
            one = f"{PREFIX}{section}__{min(keys)}".upper()
            raise SettingsError(variable, section, f"is a table, expected a variable for each key, such as {one}")
        if name not in keys:
            raise SettingsError(variable, f"{section}.{name}", "unknown key" + checks.did_you_mean(name, keys))


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(str(path), "", "no such file; `wiretrace init` writes one with working defaults") from None
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(str(path), "", f"expected a readable TOML file in UTF-8 ({_reason(error)})") from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(str(path), "", f"expected TOML: {error}") from None


_EXPECTED = {
    "bool_type": "expected true or false",
    "int_type": "expected a whole number",
    "float_type": "expected a number",
    "string_type": "expected text",
    "tuple_type": "expected a list",
    "dict_type": "expected a table",
    "model_type": "expected a table",
    "literal_error": 'expected "adaptive" or seconds, 1 or more',
}
_MAY_HOLD_SECRETS = frozenset({"url", "proxy", "headers_env"})


def _fault(error: ValidationError, place_of: Callable[[Place], str]) -> SettingsError:
    """The first fault as one line; the others show once it is mended. `place_of` says where a key was written.

    A misspelt key goes first: the one that was meant is missing then, which says less.
    """
    faults = error.errors(include_url=False)
    fault = next((one for one in faults if one["type"] == "extra_forbidden"), faults[0])
    place = fault["loc"]
    where, key = place_of(place), _dotted(place)
    if fault["type"] == "extra_forbidden":
        return SettingsError(where, key, "unknown key" + checks.did_you_mean(str(place[-1]), _siblings(place)))
    if fault["type"] == "missing":
        return SettingsError(where, key, "is missing")
    message = _EXPECTED.get(fault["type"]) or fault["msg"].removeprefix("Value error, ")
    if fault["type"] == "tuple_type" and len(place) == 1:
        message = f"expected tables, each headed [[{key}]]"
    message = message.replace("Input should be", "expected").replace("String should have", "expected text with")
    if fault["type"] != "value_error" and _MAY_HOLD_SECRETS.isdisjoint(place):
        message += f", got {_shown(fault['input'])}"
    return SettingsError(where, key, message)


def _variable_of(place: Place) -> str | None:
    """The environment variable that a value came from, None for the file."""
    given = {variable.upper(): variable for variable in os.environ}
    section = str(place[0]) if place else ""
    names = [f"{PREFIX}{section}", f"{PREFIX}{section}__{place[1]}"] if len(place) > 1 else [f"{PREFIX}{section}"]
    for name in names:
        for candidate in (name.upper(), (name + _FILE_SUFFIX).upper()):
            if candidate in given:
                return given[candidate]
    return None


def _shown(value: object) -> str:
    """A value as a person wrote it, so far as that fits a line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return "a list"
    if isinstance(value, Mapping):
        return "a table"
    return f"{value!r:.80}" if isinstance(value, str) else str(value)


def _dotted(place: Place) -> str:
    """`sources[1].url`: entries counted from 1, as a person counts tables in a file."""
    text = ""
    for part in place:
        if isinstance(part, int):
            text += f"[{part + 1}]"
        elif not part.startswith(("literal[", "function-", "constrained-", "float", "lax-or-strict")):
            text += f".{part}" if text else part
    return text


def _siblings(place: Place) -> Iterable[str]:
    if len(place) == 1:
        return Settings.model_fields
    section = str(place[0])
    if section == "sources":
        return SourceSettings.model_fields
    if section == "rights":
        return RightsSettings.model_fields
    if section == "webhooks":
        return WebhookSettings.model_fields
    return _keys(section)


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return error.strerror or type(error).__name__ if isinstance(error, OSError) else "not UTF-8"
