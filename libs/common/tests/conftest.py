"""A team with two members, and connections to the real database and NATS."""

from collections.abc import AsyncIterator

import pytest

from rte_common import database, jetstream
from rte_common.auth import Member
from rte_common.database import Database
from rte_common.jetstream import Broker
from rte_common.settings import DatabaseSettings, NatsSettings
from rte_devstack import testing

TWO_TEAMS = """
insert into teams (id, name) values ('red', 'Red'), ('blue', 'Blue');
insert into users (id, name, email) values
    ('anna', 'Anna', 'anna@example.com'), ('ben', 'Ben', null), ('cleo', 'Cleo', null);
insert into memberships (team_id, user_id, role) values
    ('red', 'anna', 'admin'), ('red', 'ben', 'member'), ('blue', 'cleo', 'admin');
delete from outbox;
"""


def member(name: str, team: str = "red") -> Member:
    """Somebody with a session in `team`."""
    return Member(id=name, team_id=team, role="member", session_id="sess_1", expires_at=2e9)


@pytest.fixture
def teams(postgres: testing.Database) -> testing.Database:
    """Team red with Anna and Ben, team blue with Cleo, and no events yet."""
    postgres.execute(TWO_TEAMS)
    return postgres


def settings_for(url: str) -> DatabaseSettings:
    """Settings of a service that logs in with `url`."""
    return DatabaseSettings(database_url=url)


@pytest.fixture
async def api_database(teams: testing.Database) -> AsyncIterator[Database]:
    """The database as the api's role sees it."""
    async with database.connect(settings_for(teams.url("rte_api")), application_name="test") as db:
        yield db


@pytest.fixture
async def broker(nats_server: testing.Broker) -> AsyncIterator[Broker]:
    """The session's NATS with all streams."""
    async with jetstream.connect(NatsSettings(nats_url=(nats_server.url,)), name="test") as opened:
        await opened.ready()
        yield opened
