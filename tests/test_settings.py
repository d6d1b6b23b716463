"""Settings: defaults, file, environment, and faults as one line."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

from crawler import resources, settings
from crawler.errors import SettingsError
from crawler.model import Role, SourceKind
from crawler.settings import Settings

SOURCE = '[[sources]]\nname = "A"\nurl = "https://a.example/feed"\nrole = "aggregator"\n'


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("WIRETRACE_"):
            monkeypatch.delenv(name)


def load(folder: Path, text: str) -> Settings:
    path = folder / "wiretrace.toml"
    path.write_text(text, encoding="utf-8")
    return settings.load(path)


def fault(folder: Path, text: str) -> str:
    with pytest.raises(SettingsError) as error:
        load(folder, text)
    assert "\n" not in str(error.value)
    assert error.value.exit_code == 2
    return str(error.value)


def test_the_defaults_are_those_of_the_documented_file(tmp_path: Path) -> None:
    defaults = settings.load(None)
    documented = tomllib.loads(resources.default_configuration())
    for section, table in documented.items():
        if section == "sources":
            continue
        for key, value in table.items():
            held = getattr(getattr(defaults, section), key)
            assert (list(held) if isinstance(held, tuple) else held) == value, f"{section}.{key}"


def test_the_documented_file_names_every_key() -> None:
    text = resources.default_configuration()
    for name, field in Settings.model_fields.items():
        for key in getattr(field.annotation, "model_fields", {}):
            assert f"{key} = " in text, f"[{name}] {key}"


def test_the_documented_file_says_of_which_keys_nothing_comes() -> None:
    package = Path(settings.__file__).parent
    # Keeping a value is no use of it.
    keepers = {"settings.py", "model.py", "sources.py", "tables.py"}
    code = "\n".join(one.read_text("utf-8") for one in package.rglob("*.py") if one.name not in keepers)
    lines = resources.default_configuration().splitlines()
    for line in lines:
        if found := re.match(r"(?:# )?(\w+) = .*?#(.*)", line):
            is_read = re.search(rf"\.{found[1]}\b", code) is not None
            assert ("no effect yet" in found[2]) is not is_read, line


def test_the_documented_file_loads_with_its_sources(tmp_path: Path) -> None:
    loaded = load(tmp_path, resources.default_configuration())
    assert len(loaded.sources) >= 4
    assert {source.role for source in loaded.source_list()} == {Role.ORIGIN}


def test_a_misspelt_key_is_named_with_its_file_and_the_likely_one(tmp_path: Path) -> None:
    said = fault(tmp_path, "[fetch]\nconcurency = 3\n")
    assert said == f"{tmp_path}/wiretrace.toml: fetch.concurency: unknown key, did you mean 'concurrency'?"


def test_an_unknown_section_lists_the_known_ones(tmp_path: Path) -> None:
    assert "unknown key; expected one of archive, database, fetch" in fault(tmp_path, "[xyz]\na = 1\n")


@pytest.mark.parametrize(
    ("text", "key", "expected"),
    [
        ('[fetch]\ntimeout = "soon"\n', "fetch.timeout", "number"),
        ("[fetch]\nper_host = 0\n", "fetch.per_host", "greater than or equal to 1"),
        ("[link]\nthreshold = 1.5\n", "link.threshold", "less than or equal to 1"),
        ('[fetch]\nallow_private = ["home"]\n', "fetch.allow_private", "networks such as 10.0.0.0/8"),
        ('[database]\nurl = "mysql://h/d"\n', "database.url", "sqlite+aiosqlite:///FILE or postgresql+asyncpg://"),
        (SOURCE.replace("aggregator", "agregator"), "sources[1].role", "'origin', 'aggregator' or 'release'"),
        (SOURCE.replace("https", "ftp"), "sources[1].url", "http:// or https://"),
        (SOURCE + "interval = 0\n", "sources[1].interval", '"adaptive" or seconds'),
        (SOURCE + SOURCE, "wiretrace.toml", "'A' is there twice"),
        (SOURCE.replace("aggregator", "origin") + 'kind = "listing"\n', "sources[1]", "fetch_pages = true"),
        ('[[sources]]\nname = "A"\n', "sources[1].url", "is missing"),
        ("[fetch\n", "wiretrace.toml", "expected TOML"),
    ],
)
def test_a_wrong_value_says_where_and_what_was_expected(tmp_path: Path, text: str, key: str, expected: str) -> None:
    said = fault(tmp_path, text)
    assert key in said
    assert expected in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[fetch]\nconcurrency = true\n", "fetch.concurrency: expected a whole number, got true"),
        ("[fetch]\nconcurrency = 4.0\n", "fetch.concurrency: expected a whole number, got 4.0"),
        ('[fetch]\ndelay = "1"\n', "fetch.delay: expected a number, got '1'"),
        ("[fetch]\ndelay = false\n", "fetch.delay: expected a number, got false"),
        ("[fetch]\ndelay = nan\n", "fetch.delay: expected less than or equal to 10000000, got nan"),
        ("[fetch]\nrespect_robots = 1\n", "fetch.respect_robots: expected true or false, got 1"),
        ('[fetch]\nproxy_resolves = "yes"\n', "fetch.proxy_resolves: expected true or false, got 'yes'"),
        ('[fetch]\nno_proxy = "a.example"\n', "fetch.no_proxy: expected a list, got 'a.example'"),
        ("[fetch]\nno_proxy = [7]\n", "fetch.no_proxy[1]: expected text, got 7"),
        ('[fetch]\nno_proxy = ["http://a.example"]\n', "networks, got 'http://a.example'"),
        ("[fetch]\nallow_ports = [true]\n", "fetch.allow_ports: expected ports from 1 to 65535, got true"),
        ("[fetch]\nallow_ports = [70000]\n", "fetch.allow_ports: expected ports from 1 to 65535, got 70000"),
        ("[fetch]\nuser_agent = 2026-01-05\n", "fetch.user_agent: expected text, got 2026-01-05"),
        ('[fetch]\nuser_agent = ""\n', "fetch.user_agent: expected a name in ASCII on one line"),
        ('[fetch]\nuser_agent = "bot/1\\r\\nX: y"\n', "fetch.user_agent: expected a name in ASCII on one line"),
        ('[fetch]\nuser_agent = "käfer/1"\n', "fetch.user_agent: expected a name in ASCII on one line"),
        ('[fetch]\nproxy = "http://"\n', "fetch.proxy: expected http://HOST:PORT or https://HOST:PORT"),
        ('[fetch]\nproxy = "http://[::1"\n', "fetch.proxy: expected http://HOST:PORT or https://HOST:PORT"),
        ('[fetch]\nproxy = "http://proxy:99999"\n', "fetch.proxy: expected http://HOST:PORT or https://HOST:PORT"),
        ('[fetch]\nproxy = "http://proxy:3128/x"\n', "fetch.proxy: expected http://HOST:PORT or https://HOST:PORT"),
        ("fetch = 3\n", "fetch: expected a table, got 3"),
        ('[sources]\nname = "A"\n', "sources: expected tables, each headed [[sources]], got a table"),
        (SOURCE + 'fetch_pages = "no"\n', "sources[1].fetch_pages: expected true or false, got 'no'"),
        (SOURCE + 'interval = "900"\n', "sources[1].interval: expected \"adaptive\" or seconds, 1 or more, got '900'"),
        (SOURCE + "interval = true\n", 'sources[1].interval: expected "adaptive" or seconds, 1 or more, got true'),
        (SOURCE + 'headers_env = { "X Y" = "TOKEN" }\n', "headers_env: expected names of HTTP headers, got 'X Y'"),
        (SOURCE + 'headers_env = { "X:" = "TOKEN" }\n', "headers_env: expected names of HTTP headers, got 'X:'"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused_and_named(tmp_path: Path, text: str, said: str) -> None:
    assert said in fault(tmp_path, text)


def test_whole_numbers_stand_for_numbers(tmp_path: Path) -> None:
    assert load(tmp_path, "[fetch]\ndelay = 2\n").fetch.delay == 2.0


@pytest.mark.parametrize(
    "proxy", ["", "http://proxy.example:3128", "https://me:secret@proxy.example/", "http://[::1]:8"]
)
def test_a_proxy_may_be_any_address_of_one(tmp_path: Path, proxy: str) -> None:
    assert load(tmp_path, f'[fetch]\nproxy = "{proxy}"\n').fetch.proxy == proxy


def test_a_secret_in_the_wrong_place_is_not_repeated(tmp_path: Path) -> None:
    said = fault(tmp_path, SOURCE + 'headers_env = { Authorization = "Bearer s3cret" }\n')
    assert "expected the name of an environment variable that holds Authorization" in said
    assert "s3cret" not in said
    assert "s3cret" not in fault(tmp_path, '[fetch]\nproxy = "socks5://me:s3cret@proxy"\n')


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("postgresql+asyncpg://me:pw@h/d?sslmode=require", "unknown parameter 'sslmode', it is called 'ssl' here"),
        ("postgresql+asyncpg://me:pw@h/d?pasfile=x", "unknown parameter 'pasfile', did you mean 'passfile'?"),
        ("postgresql+asyncpg://me:pw@h/d?ssl=on", "parameter 'ssl': expected disable, allow, prefer, require"),
        ("postgresql+asyncpg://me:pw@h:port/d", "expected sqlite+aiosqlite:///FILE or postgresql+asyncpg://"),
        ("postgresql+asyncpg://me:pw@h:70000/d", "expected a port of at most 65535"),
        ("sqlite+aiosqlite:///wire.db?timeout=abc", "expected sqlite+aiosqlite:///FILE without parameters"),
        ("sqlite+aiosqlite:///:memory:", "expected a file: sqlite+aiosqlite:///FILE"),
    ],
)
def test_a_database_url_that_its_driver_would_not_take_is_told(tmp_path: Path, url: str, said: str) -> None:
    message = fault(tmp_path, f'[database]\nurl = "{url}"\n')
    assert f"wiretrace.toml: database.url: {said}" in message
    assert "pw" not in message


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://me:p%3Fw?@[::1]:5432/d?ssl=require&target_session_attrs=read-write",
        "postgresql+asyncpg:///d?host=/var/run/postgresql&user=me",
        "postgresql+asyncpg://me@/d?host=one:5432&host=two:5432",
        "sqlite+aiosqlite:////var/lib/wiretrace/wire.db",
    ],
)
def test_a_database_url_in_any_of_its_forms_is_taken(tmp_path: Path, url: str) -> None:
    assert load(tmp_path, f'[database]\nurl = "{url}"\n').database.url == url


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nowhere\.toml: no such file"):
        settings.load(tmp_path / "nowhere.toml")


def test_a_password_in_a_wrong_url_is_not_repeated(tmp_path: Path) -> None:
    assert "secret" not in fault(tmp_path, '[database]\nurl = "mysql://me:secret@h/d"\n')


def test_a_variable_goes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRETRACE_FETCH__TIMEOUT", "5")
    loaded = load(tmp_path, "[fetch]\ntimeout = 9\nmax_body = 77\n")
    assert (loaded.fetch.timeout, loaded.fetch.max_body) == (5.0, 77)


def test_a_list_may_be_given_with_commas_or_as_json(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRETRACE_FETCH__ALLOW_PRIVATE", "127.0.0.0/8, 10.0.0.1")
    monkeypatch.setenv("WIRETRACE_FETCH__NO_PROXY", '[".local"]')
    fetch = settings.load(None).fetch
    assert fetch.allow_private == ("127.0.0.0/8", "10.0.0.1")
    assert fetch.no_proxy == (".local",)


def test_sources_may_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRETRACE_SOURCES", '[{"name": "A", "url": "https://a.example/", "role": "aggregator"}]')
    assert [source.name for source in settings.load(None).sources] == ["A"]


def test_a_secret_is_read_from_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "url").write_text("postgresql+asyncpg://me:secret@db/wire\n")
    monkeypatch.setenv("WIRETRACE_DATABASE__URL_FILE", str(tmp_path / "url"))
    assert settings.load(None).database.url == "postgresql+asyncpg://me:secret@db/wire"


def test_a_value_and_its_file_at_once_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "timeout").write_text("7")
    monkeypatch.setenv("WIRETRACE_FETCH__TIMEOUT", "5")
    monkeypatch.setenv("WIRETRACE_FETCH__TIMEOUT_FILE", str(tmp_path / "timeout"))
    with pytest.raises(SettingsError, match=r"fetch\.timeout: expected the value or the file"):
        settings.load(None)


def test_ca_file_is_a_key_and_not_a_file_of_ca(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRETRACE_FETCH__CA_FILE", "/etc/ca.pem")
    assert settings.load(None).fetch.ca_file == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("WIRETRACE_FETCH__TIMOUT", "5", "WIRETRACE_FETCH__TIMOUT: fetch.timout: unknown key, did you mean 'timeout'?"),
        ("WIRETRACE_FETSH__TIMEOUT", "5", "WIRETRACE_FETSH__TIMEOUT: fetsh: unknown section, did you mean 'fetch'?"),
        ("WIRETRACE_FETCH__TIMEOUT", "soon", "WIRETRACE_FETCH__TIMEOUT: fetch.timeout: expected a number, got 'soon'"),
        ("WIRETRACE_DATABASE__URL_FILE", "/nowhere", "expected a readable file, got '/nowhere'"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        settings.load(None)
    assert expected in str(error.value)


def test_a_variable_is_text_and_read_as_what_its_key_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIRETRACE_FETCH__CONCURRENCY", "3")
    monkeypatch.setenv("WIRETRACE_FETCH__DELAY", "0.5")
    monkeypatch.setenv("WIRETRACE_FETCH__RESPECT_ROBOTS", "false")
    monkeypatch.setenv("WIRETRACE_FETCH__ALLOW_PORTS", "81, 82")
    monkeypatch.setenv("WIRETRACE_FETCH__USER_AGENT", "bot/1 (+https://site.example/bot)")
    monkeypatch.setenv("WIRETRACE_ARCHIVE__WARC_DIR", "[warc]")
    loaded = settings.load(None)
    assert (loaded.fetch.concurrency, loaded.fetch.delay, loaded.fetch.respect_robots) == (3, 0.5, False)
    assert loaded.fetch.allow_ports == (81, 82)
    assert loaded.archive.warc_dir == "[warc]"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("WIRETRACE_SOURCES", "nonsense", "sources: expected a list of tables as JSON: Expecting value"),
        ("WIRETRACE_SOURCES", "{}", "sources: expected a list of tables as JSON, got a table"),
        ("WIRETRACE_SOURCES", "[3]", "sources[1]: expected a table, got 3"),
        ("WIRETRACE_SOURCES", '[{"name": "A"}]', "sources[1].url: is missing"),
        ("WIRETRACE_RIGHTS", '[{"publisher": "P"}]', "rights[1].publisher: unknown key, did you mean 'publishers'?"),
        ("WIRETRACE_SOURCES__0__NAME", "A", "sources: expected the list as a whole, as JSON in WIRETRACE_SOURCES"),
        ("WIRETRACE_LINK", "0.9", "link: is a table, expected a variable for each key, such as WIRETRACE_LINK__"),
        ("WIRETRACE_FETCH__ALLOW_PORTS", "81,x", "fetch.allow_ports: expected ports from 1 to 65535, got 'x'"),
        ("WIRETRACE_FETCH__RESPECT_ROBOTS", "perhaps", "fetch.respect_robots: expected true or false, got 'perhaps'"),
    ],
)
def test_a_fault_of_a_variable_names_the_variable_and_not_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    monkeypatch.setenv(name, value)
    assert fault(tmp_path, SOURCE).startswith(f"{name}: {said}")


def test_a_fault_of_tables_from_a_mounted_file_names_their_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sources.json").write_text('[{"name": "A"}]')
    monkeypatch.setenv("WIRETRACE_SOURCES_FILE", str(tmp_path / "sources.json"))
    assert fault(tmp_path, "").startswith("WIRETRACE_SOURCES_FILE: sources[1].url: is missing")


def test_pages_of_originals_are_not_fetched_unless_asked(tmp_path: Path) -> None:
    text = SOURCE + SOURCE.replace('"A"', '"B"').replace("aggregator", "origin")
    aggregator, origin = load(tmp_path, text).source_list()
    assert aggregator.fetch_pages
    assert not origin.fetch_pages
    assert aggregator.kind is SourceKind.AUTO
    assert aggregator.publisher == "A"


def test_the_file_is_found_by_option_then_variable_then_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert settings.find_file(None) is None
    (tmp_path / "wiretrace.toml").write_text("")
    assert settings.find_file(None) == Path("wiretrace.toml")
    monkeypatch.setenv("WIRETRACE_CONFIG", "other.toml")
    assert settings.find_file(None) == Path("other.toml")
    assert settings.find_file(Path("third.toml")) == Path("third.toml")


def test_rights_are_read(tmp_path: Path) -> None:
    text = '[[rights]]\npublishers = ["P"]\nlicensed_hosts = [{ host = "Partner.Example", publishers = ["P"] }]\n'
    (rights,) = load(tmp_path, text).rights_list()
    assert rights.publishers == ("P",)
    assert rights.licensed_hosts == {"partner.example": ("P",)}


WEBHOOK = '[[webhooks]]\nname = "desk"\nurl = "https://desk.example/hook"\nsecret_env = "DESK_SECRET"\n'


def test_a_webhook_is_told_all_of_links_unless_it_names_other_events(tmp_path: Path) -> None:
    (hook,) = load(tmp_path, WEBHOOK).webhooks
    assert {event.value for event in hook.events} == {
        *("link.new", "link.changed", "link.confirmed", "link.rejected", "link.retracted"),
    }
    (hook,) = load(tmp_path, WEBHOOK + 'events = ["story.created"]\nstanding = ["ours"]\n').webhooks
    assert (hook.events, hook.standing) == (("story.created",), ("ours",))


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        (WEBHOOK, "expected unique names of webhooks, 'desk' is there twice"),
        ("events = []\n", "webhooks[1].events"),
        ('events = ["link.gone"]\n', "link.confirmed"),
        ("min_score = 2\n", "webhooks[1].min_score"),
        ('url2 = "x"\n', "unknown key, did you mean 'url'?"),
    ],
)
def test_faults_of_webhooks_name_the_key(tmp_path: Path, more: str, expected: str) -> None:
    assert expected in fault(tmp_path, WEBHOOK + more)


def test_a_secret_in_place_of_its_variable_is_refused_and_not_repeated(tmp_path: Path) -> None:
    said = fault(tmp_path, WEBHOOK.replace("DESK_SECRET", "whsec_c2VjcmV0IQ=="))
    assert "webhooks[1].secret_env: expected the name of an environment variable" in said
    assert "c2VjcmV0" not in said
