"""docs/deploy.md says what is so: its SQL, its variables, Clerk's events, its commands and links."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from rte_api.settings import Settings as Api
from rte_auth_sync.clerk import SUBSCRIBED
from rte_auth_sync.settings import Settings as AuthSync
from rte_common import migrate
from rte_devstack.ports import reserved
from rte_devstack.postgres import Postgres, psql
from rte_jobs.settings import Settings as Jobs
from rte_realtime_gateway.settings import Settings as Gateway
from rte_web.settings import Settings as Web

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "deploy.md").read_text()
BLOCKS = re.findall(r"^```(\w+)[^\n]*\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
SHELL = [text for language, text in BLOCKS if language == "sh"]
SERVICES: dict[str, type[BaseSettings]] = {
    "api": Api,
    "auth-sync": AuthSync,
    "realtime-gateway": Gateway,
    "jobs": Jobs,
    "web": Web,
}
NEEDED_TOO = {name: {"NATS_URL", "NATS_USER", "NATS_PASSWORD"} for name in SERVICES} | {
    "web": {"CLERK_PUBLISHABLE_KEY", "SUPABASE_URL"}
}
"""What has a default that is not for production."""
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
LINK = re.compile(r"\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]*))?\)")

SAID = (
    *("refuses SUPABASE_SERVICE_KEY", "no Supabase Storage answers", "not connected", "no public key yet"),
    *("no-token", "bad-signature", "wrong-party", "wrong-issuer", "no-active-team", "member-not-yet-known"),
)
"""What the page tells its reader to look for, and our programs say."""

AS_A_NEW_PROJECT_HAS_IT = """
    create role anon nologin noinherit;
    create role authenticated nologin noinherit;
    create role service_role nologin noinherit bypassrls;
    -- The customer's admin is no superuser (dumps of hosted projects: memberships granted with admin option).
    create role owner login password 'owner' nosuperuser createdb createrole replication bypassrls;
    grant anon, authenticated, service_role to owner with admin option;
    create schema auth;
    create function auth.jwt() returns jsonb language sql stable as
        $f$ select nullif(current_setting('request.jwt.claims', true), '')::jsonb $f$;
    grant usage on schema auth to anon, authenticated, service_role, owner;
    grant create on database rte to owner;
    grant all on schema public to owner with grant option;
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Postgres]:
    """A database as a new Supabase project has it, as far as the migrations can tell."""
    with reserved() as port:
        server = Postgres(tmp_path / "pg", port=port, password="test", log=tmp_path / "pg.log", durable=False)
        with server:
            server.create_database("rte")
            psql(server.url(), AS_A_NEW_PROJECT_HAS_IT)
            yield server


def test_its_roles_and_the_migrations_let_each_service_work_in_a_new_project(project: Postgres) -> None:
    owner = project.url("owner", "owner")
    (sql,) = (text for language, text in BLOCKS if language == "sql")

    psql(owner, sql)
    migrate.upgrade(owner)

    for role, password in {"rte_api": "first", "rte_auth_sync": "second", "rte_jobs": "third"}.items():
        assert psql(project.url(role, password), "select count(*) from outbox") == "0"
    psql(project.url("rte_auth_sync", "second"), "insert into users (id, name) values ('maya', 'Maya')")
    seen = "select set_config('role', 'authenticated', true); select count(*) from expectations"
    assert psql(project.url("rte_api", "first"), f"begin; {seen}; commit").splitlines()[-1] == "0"


def test_its_check_finds_what_the_platform_grants_after_the_migrations(project: Postgres) -> None:
    owner = project.url("owner", "owner")
    (check,) = (text for language, text in BLOCKS if language == "postgresql")
    psql(owner, "alter default privileges in schema public grant all on tables to anon, authenticated, service_role")
    migrate.upgrade(owner)
    after_the_migrations = psql(owner, check)
    psql(owner, "grant all on all tables in schema public to authenticated")
    psql(owner, "alter default privileges in schema public grant all on tables to anon")

    assert after_the_migrations == ""
    assert {"users|authenticated|TRUNCATE", "users|authenticated|UPDATE", "|owner|by default"} <= set(
        psql(owner, check).splitlines()
    )


def test_it_names_exactly_the_events_that_auth_sync_acts_on() -> None:
    (listed,) = re.findall(r"Subscribe to these events.*?\n\n(.*?)\n\n", PAGE, re.DOTALL)

    assert set(re.findall(r"`(\w+\.\w+)`", listed)) == SUBSCRIBED


@pytest.mark.parametrize("name", SERVICES)
def test_each_application_is_given_what_its_service_requires(name: str) -> None:
    (block,) = re.findall(rf"^{name}:\n\n```dotenv\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    required = {field.upper() for field, info in SERVICES[name].model_fields.items() if info.is_required()}

    assert set(re.findall(r"^(\w+)=", block, re.MULTILINE)) == required | NEEDED_TOO[name]


@pytest.mark.parametrize("words", SAID)
def test_it_quotes_what_the_programs_say(words: str) -> None:
    sources = [*ROOT.glob("libs/common/src/**/*.py"), *ROOT.glob("services/*/src/**/*.py")]

    assert words in PAGE
    assert any(words in source.read_text() for source in sources)


@pytest.mark.parametrize("block", SHELL, ids=lambda block: block.splitlines()[0][:40])
def test_its_commands_are_bash(block: str) -> None:
    done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text()):
        file = page.parent / target if target else page
        assert file.exists(), target
        if anchor:
            assert anchor in anchors(file), f"{target}#{anchor}"


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of the headings."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
