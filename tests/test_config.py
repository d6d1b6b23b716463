"""The examples in config/ and docker-compose.yml: what they say exists in the program that they start."""

from __future__ import annotations

import configparser
import json
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from crawler import metrics, settings
from docs.generator.settings import keys
from tests.test_docs import parse

ROOT = Path(__file__).parent.parent
CONFIG = ROOT / "config"
KUBERNETES = sorted((CONFIG / "kubernetes").glob("*.yaml"))
UNITS = sorted((CONFIG / "systemd").iterdir())
COMPOSE = ROOT / "docker-compose.yml"
DASHBOARD = CONFIG / "grafana" / "wiretrace.json"
ALERTS = CONFIG / "prometheus" / "alerts.yml"
OPERATIONS = ROOT / "docs" / "how-to" / "operations.md"
KUBERNETES_VERSION = "1.31"
OF_PROMETHEUS = {"process_resident_memory_bytes", "process_open_fds", "up"}

_METRIC = re.compile(r"\b(?:wiretrace|process)_[a-z0-9_]+\b")
_VARIABLE = re.compile(r"\bWIRETRACE_[A-Z0-9_]+")
_LABELLED = re.compile(r"\b((?:wiretrace|process)_[a-z0-9_]+)\{([^}]*)\}")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text("utf-8")))


def resources() -> Iterator[Any]:
    for path in KUBERNETES:
        for number, document in enumerate(documents(path)):
            yield pytest.param(document, id=f"{path.stem}-{number}")


def unit(path: Path) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser(strict=False, interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(path, "utf-8")
    return parser


def containers(document: Mapping[str, Any]) -> list[Any]:
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return list(spec.get("template", {}).get("spec", {}).get("containers", []))


def commands() -> Iterator[Any]:
    """The arguments of every `wiretrace` that an example starts."""
    for path in KUBERNETES:
        for document in documents(path):
            for container in containers(document):
                yield pytest.param(container["args"], id=name_of(path))
    for name, service in documents(COMPOSE)[0]["services"].items():
        if service.get("image") == "wiretrace":
            yield pytest.param(service["command"], id=f"compose-{name}")
    for path in UNITS:
        if path.suffix == ".service":
            yield pytest.param(shlex.split(unit(path)["Service"]["ExecStart"])[1:], id=path.name)


def expressions() -> Iterator[Any]:
    """Every PromQL expression of the dashboard and of the alerts."""
    for panel in json.loads(DASHBOARD.read_text("utf-8"))["panels"]:
        for target in panel.get("targets", []):
            yield pytest.param(target["expr"], id=f"dashboard {panel['title']}")
    for group in documents(ALERTS)[0]["groups"]:
        for rule in group["rules"]:
            yield pytest.param(rule["expr"], id=rule["alert"])


def test_the_examples_are_all_there() -> None:
    assert len(list(commands())) == 7
    assert len(list(expressions())) > 30
    assert {"Deployment", "CronJob", "ConfigMap", "Secret", "Service", "NetworkPolicy"} == {
        document.values[0]["kind"] for document in resources()
    }


@pytest.mark.parametrize("resource", [*resources()])
def test_a_kubernetes_resource_follows_its_schema(resource: dict[str, Any]) -> None:
    kubernetes_validate.validate(resource, KUBERNETES_VERSION, strict=True)


def test_the_schema_would_tell_a_wrong_resource() -> None:
    (deployment,) = documents(CONFIG / "kubernetes" / "deployment.yaml")
    deployment["spec"]["replica"] = 2
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, KUBERNETES_VERSION, strict=True)


@pytest.mark.parametrize("arguments", [*commands()])
def test_a_command_that_an_example_starts_exists(arguments: list[str]) -> None:
    parse(arguments)


@pytest.mark.parametrize("expression", [*expressions()])
def test_a_metric_that_is_asked_for_exists_and_has_the_label(expression: str) -> None:
    known = {series: family for family in metrics.FAMILIES.values() for series in family.series}
    names = set(_METRIC.findall(expression)) | ({"up"} if re.search(r"\bup\{", expression) else set())
    assert names
    assert not names - set(known) - OF_PROMETHEUS
    for name, selectors in _LABELLED.findall(expression):
        asked = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", selectors)) - {"instance", "job"}
        assert asked <= {known[name].label if name in known else ""}, name
    grouped = {label for found in re.findall(r"by \(([^)]*)\)", expression) for label in re.split(r",\s*", found)}
    assert grouped - {"instance", "le"} <= {known[name].label for name in names if name in known}


def test_every_metric_has_its_place_in_the_manual() -> None:
    text = OPERATIONS.read_text("utf-8")
    for family in metrics.FAMILIES.values():
        name = f"{family.name}_total" if family.kind is metrics.Kind.COUNTER else family.name
        assert re.search(rf"^\| `{name}`.*\| {re.escape(family.meaning)} \|$", text, re.MULTILINE), name


def test_every_alert_is_explained_in_the_manual() -> None:
    text = OPERATIONS.read_text("utf-8")
    for group in documents(ALERTS)[0]["groups"]:
        for rule in group["rules"]:
            assert f"`{rule['alert']}`" in text, rule["alert"]
            assert rule["labels"]["severity"] in {"page", "ticket"}


@pytest.mark.parametrize("path", [COMPOSE, *KUBERNETES, *UNITS], ids=name_of)
def test_a_variable_that_is_set_has_its_setting(path: Path) -> None:
    known = {f"WIRETRACE_{key.replace('.', '__').upper()}" for key in keys()} | {"WIRETRACE_CONFIG"}
    for variable in _VARIABLE.findall(path.read_text("utf-8")):
        assert variable.removesuffix("_FILE") in known, variable


def test_the_settings_of_the_config_map_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config_map = documents(CONFIG / "kubernetes" / "settings.yaml")[0]
    file = tmp_path / "wiretrace.toml"
    file.write_text(config_map["data"]["wiretrace.toml"], encoding="utf-8")
    assert len(settings.load(file).sources) == 2


def test_what_is_mounted_in_kubernetes_is_defined_there() -> None:
    held = [document.values[0] for document in resources()]
    names = {(one["kind"], one["metadata"]["name"]) for one in held}
    for one in held:
        spec = one.get("spec", {})
        spec = spec.get("jobTemplate", {}).get("spec", spec).get("template", {}).get("spec", {})
        volumes = {volume["name"]: volume for volume in spec.get("volumes", [])}
        for volume in volumes.values():
            if "configMap" in volume:
                assert ("ConfigMap", volume["configMap"]["name"]) in names
            if "secret" in volume:
                assert ("Secret", volume["secret"]["secretName"]) in names
        for container in spec.get("containers", []):
            assert {mount["name"] for mount in container["volumeMounts"]} == set(volumes)


def test_the_port_is_the_same_wherever_it_stands() -> None:
    (deployment,) = documents(CONFIG / "kubernetes" / "deployment.yaml")
    template = deployment["spec"]["template"]
    (container,) = template["spec"]["containers"]
    listen = next(one["value"] for one in container["env"] if one["name"] == "WIRETRACE_METRICS__LISTEN")
    port = listen.rpartition(":")[2]
    assert template["metadata"]["annotations"]["prometheus.io/port"] == port
    assert [str(one["containerPort"]) for one in container["ports"]] == [port]
    prometheus = documents(CONFIG / "prometheus" / "prometheus.yml")[0]
    (found,) = prometheus["scrape_configs"][0]["dns_sd_configs"]
    services = documents(COMPOSE)[0]["services"]
    assert str(found["port"]) == port
    assert set(found["names"]) <= set(services)
    assert services["crawler"]["environment"]["WIRETRACE_METRICS__LISTEN"].endswith(f":{port}")


def test_what_compose_mounts_from_this_folder_is_here() -> None:
    theirs = {"./wiretrace.toml"}  # what the user puts beside it
    for service in documents(COMPOSE)[0]["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            assert not source.startswith("./") or source in theirs or (ROOT / source).exists(), source


COMPOSE_KEYS = {
    "image", "build", "command", "environment", "secrets", "volumes", "ports", "depends_on", "deploy", "profiles",
    "healthcheck", "stop_grace_period", "read_only", "tmpfs", "cap_drop", "security_opt", "restart", "logging",
    "shm_size",
}  # fmt: skip
HEALTHCHECK_KEYS = {"test", "interval", "timeout", "start_period", "start_interval", "retries", "disable"}
_SPAN = re.compile(r"\d+(s|m)")


@pytest.mark.parametrize("name", documents(COMPOSE)[0]["services"])
def test_a_service_of_compose_is_written_as_compose_reads_it(name: str) -> None:
    composed = documents(COMPOSE)[0]
    assert set(composed) == {"name", "services", "secrets", "volumes"}
    service = composed["services"][name]
    assert set(service) <= COMPOSE_KEYS
    assert service["image"]
    assert service["restart"] in {"no", "always", "on-failure", "unless-stopped"}
    assert set(service.get("secrets", [])) <= set(composed["secrets"])
    for volume in service.get("volumes", []):
        source, target, *mode = volume.split(":")
        assert source.startswith("./") or source in composed["volumes"], source
        assert target.startswith("/")
        assert mode in ([], ["ro"])
    for value in service.get("environment", {}).values():
        assert isinstance(value, str)
        if value.startswith("/run/secrets/"):
            assert value.removeprefix("/run/secrets/") in service["secrets"]
    check = service.get("healthcheck", {})
    assert set(check) <= HEALTHCHECK_KEYS
    assert "test" in check or check in ({}, {"disable": True})
    assert check.get("test", ["CMD"])[0] in {"CMD", "CMD-SHELL"}
    for key in ("interval", "timeout", "start_period", "start_interval"):
        assert _SPAN.fullmatch(check.get(key, "1s")), key


def test_a_service_of_compose_waits_for_what_can_be_waited_for() -> None:
    services = documents(COMPOSE)[0]["services"]
    for service in services.values():
        wanted = service.get("depends_on", {})
        for other in wanted:
            assert other in services
            if isinstance(wanted, dict):
                assert wanted[other] == {"condition": "service_healthy"}
                assert "test" in services[other]["healthcheck"]


def test_compose_opens_no_port_to_others() -> None:
    for service in documents(COMPOSE)[0]["services"].values():
        for port in service.get("ports", []):
            assert port.startswith("127.0.0.1:"), port


def test_a_service_gets_time_to_stop_before_it_is_killed() -> None:
    drain = settings.Settings().run.drain_timeout
    assert int(documents(COMPOSE)[0]["services"]["crawler"]["stop_grace_period"].removesuffix("s")) > drain
    for path in KUBERNETES:
        for document in documents(path):
            spec = document.get("spec", {})
            pod = spec.get("jobTemplate", {}).get("spec", spec).get("template", {}).get("spec", {})
            if "containers" in pod:
                assert pod["terminationGracePeriodSeconds"] > drain


@pytest.mark.parametrize("path", [one for one in UNITS if one.suffix == ".service"], ids=name_of)
def test_a_service_is_hardened_and_gets_time_to_stop(path: Path) -> None:
    service = unit(path)["Service"]
    for key in ("NoNewPrivileges", "ProtectHome", "PrivateTmp", "PrivateDevices", "RestrictSUIDSGID", "DynamicUser"):
        assert service[key] == "yes", key
    assert service["ProtectSystem"] == "strict"
    assert int(service["TimeoutStopSec"]) > settings.Settings().run.drain_timeout


def test_a_timer_starts_a_service_that_is_here() -> None:
    for path in UNITS:
        if path.suffix == ".timer":
            assert path.with_suffix(".service") in UNITS
            assert unit(path)["Timer"]["OnCalendar"]


def test_a_job_ends_by_itself_before_its_scheduler_would_kill_it() -> None:
    (job,) = documents(CONFIG / "kubernetes" / "cronjob.yaml")
    spec = job["spec"]["jobTemplate"]["spec"]
    arguments = spec["template"]["spec"]["containers"][0]["args"]
    minutes = int(arguments[arguments.index("--max-time") + 1].removesuffix("m"))
    assert minutes * 60 + 60 < spec["activeDeadlineSeconds"]
