"""Settings: defaults, file, environment, and faults as one line."""

from __future__ import annotations

import os
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
        ("WIRETRACE_FETCH__TIMEOUT", "soon", "WIRETRACE_FETCH__TIMEOUT: fetch.timeout: expected a valid number"),
        ("WIRETRACE_DATABASE__URL_FILE", "/nowhere", "expected a readable file, got '/nowhere'"),
    ],
)
def test_a_wrong_variable_is_named(monkeypatch: pytest.MonkeyPatch, name: str, value: str, expected: str) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as error:
        settings.load(None)
    assert expected in str(error.value)


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
