"""The official clients, unmodified, with nothing changed but the address."""

import pytest

from .conftest import StartClient
from .gateway import OTHER_TEAM, Changes, Members
from .official_clients import KINDS

ALL = [{"event": "*", "schema": "public", "table": "expectations"}]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_client_sees_every_change_of_its_team_and_leaves(
    kind: str, client: StartClient, members: Members, changes: Changes
) -> None:
    maria = await client(kind, topic="expectations:active", token=members.token("user_maria"), changes=ALL)
    await maria.subscribed()
    await maria.heard("system", message="Subscribed to PostgreSQL", status="ok")

    await changes.insert(team_id=OTHER_TEAM, title="Not for Maria")
    created = await changes.insert(title="Write the report")
    completed = await changes.update(created, is_done=True)
    await changes.delete(completed)

    await maria.heard("change", 3)
    inserted, updated, deleted = maria.all("change")
    assert (inserted["eventType"], inserted["new"], inserted["old"]) == ("INSERT", created, {})
    assert (updated["eventType"], updated["new"], updated["old"]) == ("UPDATE", completed, created)
    assert (deleted["eventType"], deleted["new"], deleted["old"]) == ("DELETE", {}, completed)
    assert all(change["table"] == "expectations" and change["errors"] is None for change in maria.all("change"))

    await maria.do("leave")
    await maria.heard("status", status="CLOSED")
