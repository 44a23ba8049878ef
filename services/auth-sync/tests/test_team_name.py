"""What the one team is called."""

from typing import Any

import pytest

from rte_auth_sync.main import create_app
from rte_auth_sync.settings import Settings
from rte_common.settings import TeamMode
from rte_devstack import testing
from rte_devstack.serving import ready, serving

NAME = "select name from teams where id = 'default'"


def settings(postgres: testing.Database, nats_url: str, **changed: Any) -> Settings:
    known = {
        "database_url": postgres.url("rte_auth_sync"),
        "nats_url": nats_url,
        "clerk_webhook_secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
    }
    return Settings.model_validate(known | changed)


async def test_the_setting_names_the_team_and_names_it_anew(
    postgres: testing.Database, nats_server: testing.Broker
) -> None:
    for name in ("Kestrel Harbour", "O'Hara & Søn"):
        async with serving(create_app(settings(postgres, nats_server.url, team_name=name))):
            await postgres.until(NAME, name)


@pytest.mark.parametrize("changed", [{}, {"team_name": "Nobody's", "team_mode": TeamMode.ORGANIZATIONS}])
async def test_a_name_given_by_hand_stays_where_no_setting_is_meant(
    postgres: testing.Database, nats_server: testing.Broker, changed: dict[str, Any]
) -> None:
    postgres.execute("update teams set name = 'By hand' where id = 'default'")
    async with serving(create_app(settings(postgres, nats_server.url, **changed))) as url:
        await ready(url)

    assert postgres.execute(NAME) == "By hand"


async def test_a_database_that_comes_later_is_told_then(
    postgres: testing.Database, nats_server: testing.Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("rte_auth_sync.team_name.RETRY_SECONDS", 0.05)
    postgres.execute("alter role rte_auth_sync nologin")
    async with serving(create_app(settings(postgres, nats_server.url, team_name="Later"))):
        postgres.execute("alter role rte_auth_sync login")
        await postgres.until(NAME, "Later")
