"""deploy/compose, built and run by a real Docker engine in its profile `local`, with members of the Clerk stand-in."""

import asyncio
import base64
import json
import secrets
import shutil
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from official_clients import OfficialClient
from pydantic import AnyHttpUrl

from rte_devstack.clerk import Settings as ClerkStandIn
from rte_devstack.clerk import TokenSigner
from rte_devstack.clerk import create_app as create_clerk
from rte_devstack.serving import serving

ROOT = Path(__file__).parents[1]
SERVICES = ("api", "auth-sync", "realtime-gateway", "jobs")
ORIGIN = "http://localhost:8080"

pytestmark = [pytest.mark.nightly, pytest.mark.timeout(1800)]


def output_of(*command: str | Path) -> str:
    """Run a command in the repository's root; what it printed, or a failed test with the end of what it said."""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, command))}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout.strip()


@dataclass(frozen=True)
class Stack:
    """A project of docker compose."""

    project: str
    variables: Path

    def compose(self, *arguments: str) -> str:
        """Run `docker compose`, as deploy/compose/compose.yaml says."""
        chosen = ["--project-name", self.project, "--env-file", str(self.variables)]
        file = ["--project-directory", ".", "-f", "deploy/compose/compose.yaml"]
        return output_of("docker", "compose", *chosen, *file, *arguments)

    def build(self) -> None:
        """Build the images under the names that compose gives them."""
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
        self.compose("down", "--volumes", "--remove-orphans")
        for image in self._builds():
            output_of("docker", "image", "rm", image)

    def start(self) -> None:
        """Start everything, and wait until it is healthy."""
        try:
            self.compose("up", "--no-build", "--detach", "--wait")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.compose('logs', '--tail', '20')}") from None

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


def local_variables(folder: Path, webhook_secret: str) -> str:
    """The `local` part of .env.example, with secrets of this run and the public key of the stand-in in `folder`."""
    TokenSigner(folder)
    private = load_pem_private_key((folder / "signing-key.pem").read_bytes(), password=None)
    public = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    example = (ROOT / "deploy" / "compose" / ".env.example").read_text()
    required, _, local = example.partition("# ---- instead of Supabase and Clerk")
    chosen = [line.removeprefix("#") for line in local.splitlines()[1:] if not line.startswith("#CLERK_JWT_KEY")]
    own = [f'CLERK_JWT_KEY="{public}"', f"CLERK_WEBHOOK_SECRET={webhook_secret}", "RTE_PORT=0"]
    return "\n".join([required, *chosen, *own, f"NATS_PASSWORD=n{secrets.token_hex(8)}"])


@pytest.fixture(scope="module")
def clerk_settings(tmp_path_factory: pytest.TempPathFactory) -> ClerkStandIn:
    folder = tmp_path_factory.mktemp("clerk")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode()
    return ClerkStandIn(
        state_dir=folder, clerk_webhook_secret=(secret,), clerk_secret_key="unused", clerk_authorized_parties=(ORIGIN,)
    )


@pytest.fixture(scope="module")
def stack(clerk_settings: ClerkStandIn, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Everything built, started and healthy; skipped where no Docker engine with compose answers."""
    for question in (["docker", "info"], ["docker", "compose", "version"]):
        if shutil.which("docker") is None or subprocess.run(question, capture_output=True, check=False).returncode:
            pytest.skip(f"`{' '.join(question)}` fails: no Docker engine with compose answers here")
    variables = tmp_path_factory.mktemp("compose") / ".env"
    variables.write_text(local_variables(clerk_settings.state_dir, clerk_settings.clerk_webhook_secret[0]))
    stack = Stack(f"rte-test-{secrets.token_hex(4)}", variables)
    try:
        stack.build()
        stack.start()
        yield stack
    finally:
        stack.remove()


@pytest.fixture
async def clerk(stack: Stack, clerk_settings: ClerkStandIn) -> AsyncIterator[httpx.AsyncClient]:
    """The stand-in, whose webhooks go through the stack's Traefik."""
    webhooks = AnyHttpUrl(f"http://{stack.traefik}/webhooks/clerk")
    app = create_clerk(clerk_settings.model_copy(update={"webhook_url": webhooks, "retry_scale": 0.01}))
    async with serving(app) as url, httpx.AsyncClient(base_url=url, trust_env=False) as client:
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


async def test_a_webhook_becomes_a_member_whose_expectation_is_on_the_screen(
    stack: Stack, clerk: httpx.AsyncClient
) -> None:
    user = {"first_name": "Priya", "last_name": "Raman", "email_address": "priya@example.com"}
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
    assert stack.sql("select id, name from users") == f"{made['id']}|Priya Raman"


def test_a_stopped_service_drains_and_ends_with_0(stack: Stack) -> None:
    stack.compose("stop", *SERVICES)

    ended = {name: each["State"]["ExitCode"] for name, each in stack.containers().items() if name in SERVICES}
    assert ended == dict.fromkeys(SERVICES, 0)
    for name in SERVICES:
        log = stack.compose("logs", "--no-log-prefix", name)
        events = [json.loads(line)["event"] for line in log.splitlines()]
        assert events.index("drain_began") < events.index("process_ended")
