"""deploy/compose, built and run by a real Docker engine with the commands of docs/deploy.md."""

import asyncio
import json
import os
import re
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import httpx
import pytest

from rte_testkit.official_clients import OfficialClient

ROOT = Path(__file__).parents[1]
SERVICES = ("api", "auth-sync", "realtime-gateway", "jobs", "web")
BLOCK = re.compile(r"^```sh (\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PAGE = dict(BLOCK.findall((ROOT / "docs" / "deploy.md").read_text()))
"""The commands to try it on one machine, by the word after ```sh."""
BUILD = "compose build\n"

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]


def output_of(*command: str | Path) -> str:
    """Run a command in the repository's root; what it printed, or a failed test with the end of what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


class Shell:
    """A bash that remembers variables, functions and jobs from one pasted block to the next."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            ["bash", "-e", "-o", "pipefail"],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()  # closes its input, which ends it

    def paste(self, block: str) -> str:
        """Run `block`; what it printed, or a failed test with the end of that."""
        assert self._process.stdin
        assert self._process.stdout
        end = secrets.token_hex(8)
        self._process.stdin.write(f"{block}\necho {end}\n")
        self._process.stdin.flush()
        printed = ""
        for line in self._process.stdout:
            if line.strip() == end:
                return printed
            printed += line
        raise AssertionError(f"a command of this block failed:\n{block}\n{printed[-3000:]}")


@dataclass(frozen=True)
class Stack:
    """A project of docker compose, started in `shell` as docs/deploy.md says."""

    project: str
    shell: Shell
    clerk_port: int
    own: Callable[[str], str]
    """Puts this test's ports and folders in the place of the page's."""

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`, as deploy/compose/compose.yaml says."""
        variables = ["--project-name", self.project, "--env-file", "deploy/compose/local.env"]
        file = ["--project-directory", ".", "-f", "deploy/compose/compose.yaml"]
        return output_of("docker", "compose", *variables, *file, *arguments)

    def paste(self, name: str) -> str:
        """Run a block of the page."""
        return self.shell.paste(self.own(PAGE[name]))

    def start(self) -> None:
        """Build and start everything, and wait until it is healthy."""
        before, build, after = PAGE["start"].partition(BUILD)
        assert build
        self.shell.paste(self.own(before))
        self._build()
        try:
            self.shell.paste(self.own(after))
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.compose('logs', '--tail', '20')}") from None

    def _build(self) -> None:
        """Do what `compose build` does, which needs a plugin and a network that not every machine has."""
        for image, build in self._builds().items():
            arguments = [f"--build-arg={key}={value}" for key, value in build.get("args", {}).items()]
            # The host's network, because a package index may be reachable from there only.
            command = ["docker", "build", "--network=host", "-f", build["dockerfile"], *arguments]
            output_of(*command, "-t", image, build["context"])

    def _builds(self) -> dict[str, Any]:
        services = json.loads(self.compose("config", "--format", "json"))["services"]
        return {f"{self.project}-{name}": one["build"] for name, one in services.items() if "build" in one}

    def remove(self) -> None:
        """Remove containers, volumes and images: one after the other, because `down --rmi` fails on shared layers."""
        self.paste("end")
        for image in self._builds():
            output_of("docker", "image", "rm", image)

    def containers(self) -> dict[str, Any]:
        """What the engine says about the container of each service, ended ones too."""
        ids = self.compose("ps", "--all", "--quiet").split()
        found = json.loads(output_of("docker", "inspect", *ids))
        return {each["Config"]["Labels"]["com.docker.compose.service"]: each for each in found}

    @property
    def traefik(self) -> str:
        """Traefik's address, without the scheme."""
        return self.compose("port", "traefik", "80")

    def sql(self, statement: str) -> str:
        """Rows that the database's owner sees."""
        return self.compose("exec", "-T", "postgres", "psql", "-U", "postgres", "-qAtc", statement)


@pytest.fixture(scope="module")
def stack(reserve_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything built, started and healthy; skipped where no Docker engine with compose answers."""
    for question in (["docker", "info"], ["docker", "compose", "version"]):
        if shutil.which("docker") is None or subprocess.run(question, capture_output=True, check=False).returncode:
            pytest.skip(f"`{' '.join(question)}` fails: no Docker engine with compose answers here")
    project, port, clerk_port = f"rte-test-{secrets.token_hex(4)}", reserve_port(), reserve_port()
    folder = tmp_path_factory.mktemp("clerk")
    chosen = {
        "COMPOSE_PROJECT_NAME": project,
        "RTE_PORT": str(port),
        "CLERK_AUTHORIZED_PARTIES": f"http://localhost:{port}",
    }

    def own(block: str) -> str:
        for theirs, ours in {"8090": port, "8585": clerk_port, ".devstack-clerk": folder}.items():
            block = block.replace(theirs, str(ours))
        return block.replace("make setup\n", "")  # these tests run in what it makes

    with ExitStack() as last:
        stack = Stack(project, last.enter_context(Shell(os.environ | chosen)), clerk_port, own)
        last.callback(stack.remove)
        stack.start()
        yield stack


@pytest.fixture
async def clerk(stack: Stack) -> AsyncIterator[httpx.AsyncClient]:
    """The stand-in, whose webhooks go through the stack's Traefik."""
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{stack.clerk_port}", trust_env=False) as client:
        yield client


def test_every_service_is_healthy_and_the_migration_is_done(stack: Stack) -> None:
    states = {name: each["State"] for name, each in stack.containers().items()}
    migration = states.pop("migrate")

    assert {name: state["Health"]["Status"] for name, state in states.items()} == dict.fromkeys(states, "healthy")
    assert states.keys() == {*SERVICES, "nats", "traefik", "postgres"}
    assert (migration["Status"], migration["ExitCode"]) == ("exited", 0)


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_no_devstack_no_compiler_and_no_root(name: str, stack: Stack) -> None:
    looks = (
        "import importlib.metadata, os, shutil; "
        "members = [d.name for d in importlib.metadata.distributions() if d.name.startswith('rte-')]; "
        "print(sorted(members), os.getuid(), shutil.which('cc'), shutil.which('gcc'), shutil.which('uv'))"
    )

    expected = f"{sorted(['rte-common', f'rte-{name}'])} 10001 None None None"
    assert stack.compose("exec", "-T", name, "python", "-c", looks) == expected
    with pytest.raises(AssertionError, match="Read-only file system"):
        stack.compose("exec", "-T", name, "touch", "/app/changed")


def test_what_the_page_types_publishes_an_expectation(stack: Stack) -> None:
    *_, published = stack.paste("use").splitlines()

    assert json.loads(published)["title"] == "Try it"
    assert stack.sql("select title from expectations") == "Try it"


def test_an_image_has_the_command_that_makes_the_buckets(stack: Stack) -> None:
    with pytest.raises(AssertionError, match=r"error: http://storage.invalid/ does not answer .*check SUPABASE_URL"):
        stack.compose("run", "--rm", "--no-deps", "api", "python", "-m", "rte_common.buckets")


async def test_a_webhook_becomes_a_member_whose_expectation_is_on_the_screen(
    stack: Stack, clerk: httpx.AsyncClient
) -> None:
    user = {"first_name": "Maya", "last_name": "Raman", "email_address": "maya@example.com"}
    made = (await clerk.post("/devstack/users", json=user)).json()
    token = (await clerk.post("/devstack/tokens", json={"member": made["id"], "lifetime": 600})).json()["token"]
    headers = {"authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=f"http://{stack.traefik}/api/v1", headers=headers, trust_env=False) as api:
        async with asyncio.timeout(60):
            while (me := await api.get("/me")).status_code == 503:  # the webhook is on its way
                await asyncio.sleep(float(me.headers.get("retry-after", "1")) / 10)
        assert me.status_code == 200, me.text
        screen = await OfficialClient.start(
            "python",
            url=f"ws://{stack.traefik}/realtime/v1",
            topic="expectations:active",
            token=token,
            changes=[{"event": "*", "schema": "public", "table": "expectations"}],
        )
        try:
            await screen.subscribed()
            tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
            answer = await api.post("/expectations", json={"title": "In a container", "estimated_completion": tomorrow})
            inserted = await screen.heard("change", eventType="INSERT")
        finally:
            await screen.stop()

    assert answer.status_code == 201, answer.text
    assert inserted["new"]["id"] == answer.json()["id"]
    assert stack.sql(f"select name from users where id = '{made['id']}'") == "Maya Raman"


def test_a_stopped_service_drains_and_ends_with_0(stack: Stack) -> None:
    stack.compose("stop", *SERVICES)

    ended = {name: each["State"]["ExitCode"] for name, each in stack.containers().items() if name in SERVICES}
    assert ended == dict.fromkeys(SERVICES, 0)
    for name in SERVICES:
        log = stack.compose("logs", "--no-log-prefix", name)
        events = [json.loads(line)["event"] for line in log.splitlines()]
        assert events.index("drain_began") < events.index("process_ended")
