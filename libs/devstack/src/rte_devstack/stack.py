"""What one stack consists of: its ports, each program with its environment, and the order in which they start."""

import asyncio
import hashlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files

from rte_devstack.environment import origins, setting
from rte_devstack.folder import REPOSITORY, Folder, Secrets
from rte_devstack.nats import Nats
from rte_devstack.ports import HOST, PORTS
from rte_devstack.postgres import Postgres, let_in, psql, without_libpq
from rte_devstack.program import Program, ProgramFailed, answers, executable, explained, last_words
from rte_devstack.supervisor import Step
from rte_devstack.traefik import Traefik
from rte_devstack.web_client import WebClient

DATABASE_ROLES = {"api": "rte_api", "auth-sync": "rte_auth_sync", "jobs": "rte_jobs"}
SERVICES = ("api", "auth-sync", "realtime-gateway", "jobs", "web")
DEVELOPMENT_ORIGINS = ",".join(f"http://{host}:{port}" for port in (5173, 4173) for host in ("localhost", HOST))
"""Where Vite's development server and its preview are; RTE_WEB_ORIGINS replaces them."""
TEAM_NAME = "Kestrel Harbour"
"""What the demo team is called, whether it is the only one or an organization."""
DEMO_LIVE = "demo-live"
STAND_IN_ISSUER = "https://clerk.devstack.invalid"
STAND_IN_SECRET_KEY = "sk_test_devstack"


@dataclass(frozen=True)
class Stack:
    """The parts of the stack in `folder` whose Traefik listens on `port`."""

    folder: Folder
    port: int

    @property
    def ports(self) -> dict[str, int]:
        """Who listens where."""
        return {name: self.port + distance for name, distance in PORTS.items()}

    def url(self, name: str, scheme: str = "http") -> str:
        """Address of a part."""
        return f"{scheme}://{HOST}:{self.ports[name]}"

    @property
    def origin(self) -> str:
        """What a browser's address bar shows."""
        return f"http://localhost:{self.port}"

    @property
    def web_origins(self) -> list[str]:
        """Origins whose pages may sign in, call the api and open the websocket; the stack's own comes first."""
        return [self.origin, f"http://{HOST}:{self.port}", *origins("RTE_WEB_ORIGINS", DEVELOPMENT_ORIGINS)]

    @cached_property
    def secrets(self) -> Secrets:
        """The folder's secrets."""
        return self.folder.secrets()

    @cached_property
    def postgres(self) -> Postgres:
        """The database server."""
        return Postgres(
            self.folder.path / "postgres",
            port=self.ports["postgres"],
            password=self.secrets.postgres,
            log=self.folder.log("postgres"),
        )

    @property
    def web_client(self) -> WebClient:
        """What the service `web` serves: there is one for all stacks of a checkout."""
        return WebClient(REPOSITORY / "web")

    @property
    def has_stand_in_of_clerk(self) -> bool:
        """Whether members sign in at the stand-in, and not at Clerk."""
        return setting("CLERK_ISSUER", STAND_IN_ISSUER) == STAND_IN_ISSUER

    @property
    def sign_in(self) -> dict[str, str | None]:
        """What the web client is told of where members sign in, as the service `web` would tell it."""
        # localhost, as in the origin: the sign-in page's cookie is for the host, whatever the port.
        stand_in = f"http://localhost:{self.ports['clerk']}" if self.has_stand_in_of_clerk else None
        return {
            "clerk_publishable_key": os.environ.get("CLERK_PUBLISHABLE_KEY") or None,
            "stand_in_url": os.environ.get("CLERK_STAND_IN_URL") or stand_in,
        }

    def steps(self) -> Iterator[Step]:
        """Everything in the order of its start; what comes after the build depends on whether there is a web client."""
        # Before what takes long: a wrong variable ends the start at once.
        external, live = self._external(), _live()
        if self.web_client.is_stale() and setting("RTE_WEB_BUILD", "yes") != "no":
            yield Step("building the web client", then=self.build_web_client)
        yield Step("starting Postgres, NATS and the stand-ins", external)
        yield Step("migrating the database", then=self.migrate_once)
        with_web = self.web_client.is_there()
        yield Step("starting the services", [self._service(name) for name in SERVICES if name != "web" or with_web])
        yield Step("starting Traefik", [self._traefik(with_web=with_web)])
        if self.has_stand_in_of_clerk:
            yield Step("filling in the demo team", then=self.fill)
            if live:
                yield Step("setting the demo team to work", [self._demo_live()])
        else:
            yield Step("leaving the demo team out, because CLERK_ISSUER has others sign in")

    def build_web_client(self) -> str | None:
        """Build it; a line that says why not when that fails, because all else runs without."""
        try:
            self.web_client.build(self.folder.log("web-build"))
        except ProgramFailed as error:
            if self.web_client.is_there():
                return f"the web client is one that was built before: {error}"
            return f"the web client is left out: {error}"
        return None

    def fill(self) -> None:
        """Have the demo team sign up and publish, unless they have."""
        # Imported here: `make token` and its like would wait a second for what they never use.
        import httpx

        from rte_common.settings import TeamMode
        from rte_devstack import demo

        mode = TeamMode(setting("TEAM_MODE", TeamMode.SINGLE))
        try:
            asyncio.run(
                demo.fill(
                    self.url("clerk"),
                    self.url("traefik"),
                    # Said, because in this process variables of the caller's speak of another database.
                    f"{self.postgres.url()}?sslmode=disable",
                    mode,
                    timezone=setting("SCHEDULE_TIMEZONE", "UTC"),
                )
            )
        except (demo.DemoNotFilled, httpx.HTTPError) as error:
            raise ProgramFailed(f"the demo team could not be filled in: {error}") from error

    def migrate_once(self) -> None:
        """Migrate, unless the database remembers that it had just these migrations: to load the tool takes seconds."""
        self.postgres.create_database("rte")
        migrations = sorted((files("rte_common") / "migrations" / "versions").iterdir(), key=lambda file: file.name)
        contents = b"".join(file.read_bytes() for file in migrations if file.is_file())
        digest = hashlib.sha256(contents).hexdigest()
        remembered = "select shobj_description(oid, 'pg_database') from pg_database where datname = 'rte'"
        if psql(self.postgres.url(), remembered) != digest:
            self.migrate()
            psql(self.postgres.url(), f"comment on database rte is '{digest}'")

    def migrate(self) -> None:
        """Bring the database to the newest schema, and give the services' roles their passwords."""
        log = self.folder.log("migrate")
        environment = self._handed_on({}, {"MIGRATION_DATABASE_URL": self.postgres.url()})
        with log.open("ab") as output:
            command = [sys.executable, "-m", "rte_common.migrate"]
            done = subprocess.run(command, env=environment, stdout=output, stderr=output, check=False)
        if done.returncode != 0:
            raise ProgramFailed(explained(f"the migration failed (log: {log})", last_words(log)))
        passwords = {role: getattr(self.secrets, role) for role in DATABASE_ROLES.values()}
        let_in(self.postgres.url(), passwords)

    def service_environment(self, name: str) -> dict[str, str]:
        """What a service is told unless the caller's environment says otherwise."""
        secrets = self.secrets
        environment = {
            "APP_ENV": "development",
            "NATS_URL": self.url("nats", "nats"),
            "CLERK_ISSUER": STAND_IN_ISSUER,
            "CLERK_JWKS_URL": f"{self.url('clerk')}/.well-known/jwks.json",
            "CLERK_AUTHORIZED_PARTIES": ",".join(self.web_origins),
            "CLERK_WEBHOOK_SECRET": secrets.clerk_webhook,
            "CLERK_SECRET_KEY": STAND_IN_SECRET_KEY,
            "CLERK_API_URL": f"{self.url('clerk')}/v1",
            "SUPABASE_URL": self.url("storage"),
            "SUPABASE_SERVICE_KEY": secrets.supabase_service,
            "SUPABASE_ANON_KEY": secrets.supabase_anon,
            "TEAM_NAME": TEAM_NAME,
            "WEB_CLIENT_FOLDER": str(self.web_client.built),
        }
        if stand_in := self.sign_in["stand_in_url"]:
            environment["CLERK_STAND_IN_URL"] = stand_in
        if role := DATABASE_ROLES.get(name):
            environment["DATABASE_URL"] = self.postgres.url(role, getattr(secrets, role))
            environment["DATABASE_PREPARED_STATEMENTS"] = "true"  # no pooler here
        return environment

    def _external(self) -> list[Program]:
        nats = Nats(
            self.folder.path / "nats",
            port=self.ports["nats"],
            monitor_port=self.ports["nats monitoring"],
            log=self.folder.log("nats"),
        )
        return [self.postgres, nats, self._clerk(), self._storage()]

    def _clerk(self) -> Program:
        defaults = {
            "CLERK_WEBHOOK_SECRET": self.secrets.clerk_webhook,
            "CLERK_SECRET_KEY": STAND_IN_SECRET_KEY,
            "TEAM_NAME": TEAM_NAME,
            "WEBHOOK_URL": f"{self.url('traefik')}/webhooks/clerk",
            "CLERK_AUTHORIZED_PARTIES": ",".join(self.web_origins),
            "RETRY_SCALE": "0.01",  # Svix waits 5 s, then 5 min: nobody who starts a stack does
        }
        return self._stand_in("clerk", defaults, "/health")

    def _storage(self) -> Program:
        defaults = {
            "SUPABASE_SERVICE_KEY": self.secrets.supabase_service,
            "SUPABASE_ANON_KEY": self.secrets.supabase_anon,
            "SUPABASE_JWT_SECRET": self.secrets.supabase_jwt,
        }
        return self._stand_in("storage", defaults, "/storage/v1/status")

    def _stand_in(self, name: str, defaults: Mapping[str, str], health: str) -> Program:
        fixed = {"PORT": str(self.ports[name]), "HOST": HOST, "STATE_DIR": str(self.folder.path / name)}
        return Program(
            name,
            [sys.executable, "-m", f"rte_devstack.{name}"],
            log=self.folder.log(name),
            ready=answers(f"{self.url(name)}{health}"),
            environment=self._handed_on(defaults, fixed),
        )

    def _service(self, name: str) -> Program:
        fixed = {"HOST": HOST, "PORT": str(self.ports[name]), "METRICS_PORT": str(self.ports[f"{name} metrics"])}
        return Program(
            name,
            [executable(f"rte-{name}", f"the workspace's rte-{name}")],
            log=self.folder.log(name),
            ready=answers(f"{self.url(name)}/ready"),
            environment=self._handed_on(self.service_environment(name), fixed),
        )

    def _demo_live(self) -> Program:
        fixed = {"CLERK_URL": self.url("clerk"), "API_URL": self.url("traefik")}
        return Program(
            DEMO_LIVE,
            [sys.executable, "-m", "rte_devstack.demo_live"],
            log=self.folder.log(DEMO_LIVE),
            ready=lambda: True,  # nobody waits for it
            environment=self._handed_on({}, fixed),
        )

    def _traefik(self, *, with_web: bool) -> Traefik:
        backends = {
            "RTE_API_URL": self.url("api"),
            "RTE_AUTH_SYNC_URL": self.url("auth-sync"),
            "RTE_REALTIME_GATEWAY_URL": self.url("realtime-gateway"),
        }
        if with_web:
            backends["RTE_WEB_URL"] = self.url("web")
        return Traefik(
            self.folder.path / "traefik",
            port=self.port,
            metrics_port=self.ports["traefik metrics"],
            backends=backends,
            log=self.folder.log("traefik"),
        )

    def _handed_on(self, defaults: Mapping[str, str], fixed: Mapping[str, str]) -> dict[str, str]:
        """The caller's environment wins over `defaults`, but not over `fixed`: there is one port for each.

        What the caller has set to nothing counts as not set, as the services have it.
        """
        own = os.environ if "DATABASE_URL" in os.environ else without_libpq(os.environ)
        given = {name: value for name, value in own.items() if value or name not in defaults}
        # A proxy of the caller's must not be asked for what runs here.
        direct = ",".join(filter(None, [os.environ.get("NO_PROXY"), os.environ.get("no_proxy"), HOST, "localhost"]))
        return {**defaults, **given, **fixed, "NO_PROXY": direct, "no_proxy": direct, "PYTHONUNBUFFERED": "1"}


def _live() -> bool:
    """Whether colleagues shall act; ProgramFailed when DEMO says something else."""
    demo = setting("DEMO", "")
    if demo not in ("", "live"):
        raise ProgramFailed(f"DEMO is {demo!r}, but must be live, or not be set")
    return demo == "live"
