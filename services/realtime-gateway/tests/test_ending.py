"""Access ends when it must, within a second, and heals when it can; two replicas are one; slow readers are cut."""

import asyncio
import uuid

import pytest
from websockets.exceptions import ConnectionClosed

from rte_testkit.bare_client import bare
from rte_testkit.gateway import TEAM, Changes, Gateway, Members, StartGateway
from rte_testkit.official_clients import KINDS, Report, StartClient
from rte_testkit.proxy import proxied

ALL = [{"event": "*", "schema": "public", "table": "expectations"}]
TOPIC = "expectations:active"


def tabs_of_maria(reports: list[Report]) -> list[int]:
    """Which of her tabs are present by the latest state."""
    state = [report for report in reports if report["kind"] == "presence"][-1]["state"]
    return [meta["tab"] for meta in state.get("maria", [])]


@pytest.mark.parametrize("kind", KINDS)
async def test_an_expired_token_heals_with_the_next_one(
    kind: str, start_gateway: StartGateway, client: StartClient, members: Members, changes: Changes
) -> None:
    gateway = start_gateway(EXPIRY_GRACE_SECONDS="0")
    token = members.token("user_maria", lifetime=2)
    maria = await client(kind, url=gateway.url, topic=TOPIC, token=token, changes=ALL)
    await maria.subscribed()
    await maria.heard("status", status="CHANNEL_ERROR")
    await changes.insert(title="while nobody is known")
    await maria.do("token", value=members.token("user_maria"))
    await maria.subscribed(2)
    await changes.insert(title="after")
    await maria.heard("change", 2)
    assert [change["new"]["title"] for change in maria.all("change")] == ["while nobody is known", "after"]
    assert "CLOSED" not in [report["status"] for report in maria.all("status")]


@pytest.mark.parametrize("kind", ["js-2.109", "js-2.99"])
async def test_a_client_that_renews_by_callback_joins_before_its_token_comes(
    kind: str, client: StartClient, members: Members, changes: Changes
) -> None:
    presence = {"presence": {"key": "m"}}
    token = members.token("user_maria")
    maria = await client(kind, topic=TOPIC, token=token, renewing=True, changes=ALL, config=presence)
    await maria.subscribed()
    await changes.insert(title="after SUBSCRIBED")
    await maria.heard("change")
    await maria.do("renew", value=members.token("user_maria", lifetime=300))
    await maria.do("track", payload={"on": "it"})
    await maria.heard("join", key="m")
    await changes.insert(title="after the renewal")
    await maria.heard("change", 2)
    assert [change["new"]["title"] for change in maria.all("change")] == ["after SUBSCRIBED", "after the renewal"]
    assert "CLOSED" not in [report["status"] for report in maria.all("status")]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_removed_member_is_out_within_a_second_and_stays_out(
    kind: str, gateway: Gateway, client: StartClient, members: Members, changes: Changes
) -> None:
    user = f"user_{uuid.uuid4().hex}"
    token = members.token(user)
    leaver = await client(kind, topic=TOPIC, token=token, changes=ALL)
    await leaver.subscribed()
    moment = "2026-11-22T09:41:39+00:00"
    membership = {"team_id": TEAM, "user_id": user, "role": "member", "created_at": moment, "updated_at": moment}
    await changes.publish("membership", "DELETE", None, membership)
    async with asyncio.timeout(1):
        await leaver.heard("status", status="CLOSED")
    await changes.insert(title="not for who has left")
    again = await client(kind, topic=TOPIC, token=token, changes=ALL)
    await again.heard("status", status="CHANNEL_ERROR")
    await changes.publish("membership", "INSERT", membership, None)
    await again.subscribed()
    assert leaver.all("change") == []


async def test_a_revoked_session_is_out_within_a_second(
    gateway: Gateway, client: StartClient, members: Members, changes: Changes
) -> None:
    session = f"sess_{uuid.uuid4().hex}"
    here, elsewhere = [
        await client("js-2.109", topic=TOPIC, token=members.token("user_maria", session_id=one), changes=ALL)
        for one in (session, "sess_elsewhere")
    ]
    await here.subscribed()
    await elsewhere.subscribed()
    await changes.revoke("user_maria", session)
    async with asyncio.timeout(1):
        await here.heard("status", status="CLOSED")
    await changes.insert(title="for the other session")
    await elsewhere.heard("change")
    assert here.all("change") == []


@pytest.mark.parametrize("ghost", [False, pytest.param(True, marks=pytest.mark.nightly)])
async def test_presence_and_broadcasts_cross_replicas_and_a_killed_one_leaves_no_ghost(
    ghost: bool, start_gateway: StartGateway, client: StartClient, members: Members, team: str
) -> None:
    first, second = start_gateway(), start_gateway()
    alex = await client(
        "js-2.109",
        url=first.url,
        topic=TOPIC,
        token=members.token("user_alex", team=team),
        config={"presence": {"key": "alex"}},
    )
    maria = await client(
        "python",
        url=second.url,
        topic=TOPIC,
        token=members.token("user_maria", team=team, lifetime=300),
        config={"presence": {"key": "maria"}},
        broadcasts=["wave"],
    )
    await alex.subscribed()
    await maria.subscribed()
    await alex.do("track", payload={"on": "report"})
    await maria.heard("join", key="alex")
    await maria.do("track", payload={"on": "slides"})
    await alex.heard("join", key="maria")
    await alex.do("broadcast", event="wave", payload={"n": 1})
    await maria.heard("broadcast", payload={"n": 1})
    if ghost:
        await asyncio.to_thread(first.kill)
    await alex.stop()
    async with asyncio.timeout(30):
        await maria.until(lambda reports: any(r["kind"] == "left" and r["key"] == "alex" for r in reports), patience=30)


async def test_a_member_with_two_tabs_is_gone_only_with_the_second(
    gateway: Gateway, client: StartClient, members: Members, team: str
) -> None:
    watcher = await client(
        "python", topic=TOPIC, token=members.token("user_alex", team=team), config={"presence": {"key": "alex"}}
    )
    await watcher.subscribed()
    tabs = [
        await client(
            "js-2.109", topic=TOPIC, token=members.token("user_maria", team=team), config={"presence": {"key": "maria"}}
        )
        for _ in range(2)
    ]
    for number, tab in enumerate(tabs, 1):
        await tab.subscribed()
        await tab.do("track", payload={"tab": number})
        await watcher.heard("join", number, key="maria")
    await tabs[0].stop()
    await watcher.until(lambda reports: tabs_of_maria(reports) == [2])
    await tabs[1].do("untrack")
    await watcher.until(lambda reports: tabs_of_maria(reports) == [])


@pytest.mark.parametrize("kind", ["js-2.109", "python"])
async def test_who_returns_at_once_was_never_gone(
    kind: str, gateway: Gateway, client: StartClient, members: Members, team: str
) -> None:
    watcher = await client(
        "js-2.15", topic=TOPIC, token=members.token("user_alex", team=team), config={"presence": {"key": "alex"}}
    )
    await watcher.subscribed()
    async with proxied(gateway.port) as proxy:
        maria = await client(
            kind,
            url=proxy.url,
            topic=TOPIC,
            token=members.token("user_maria", team=team),
            config={"presence": {"key": "maria"}},
        )
        await maria.subscribed()
        await maria.do("track", payload={"on": "it"})
        await watcher.heard("join", key="maria")
        proxy.cut()
        await maria.subscribed(2)
        await maria.do("track", payload={"on": "it"})
        await maria.do("untrack")
        await watcher.heard("left", key="maria")
    assert len(watcher.all("join")) == 1
    assert len(watcher.all("left")) == 1


async def test_a_slow_reader_is_cut_with_a_name_and_holds_nobody_up(
    start_gateway: StartGateway, members: Members
) -> None:
    gateway = start_gateway(MAX_QUEUE_BYTES="200000")
    url, payload = gateway.websocket_url(), {"event": "big", "payload": {"text": "x" * 200_000}}
    async with (
        bare(url, max_size=None, max_queue=1) as slow,
        bare(url, max_size=None) as healthy,
        bare(url, max_size=None) as sender,
    ):
        for client in (slow, healthy, sender):
            await client.join(members.token("user_maria"))
        sent = 0
        while await gateway.metric("rte_gateway_drops_total", reason="closed_4001") == 0:
            await sender.say("broadcast", payload)
            assert await healthy.hear("broadcast") == payload
            sent += 1
        received = 0
        with pytest.raises(ConnectionClosed):
            async for frame in slow.socket:
                received += "big" in str(frame)[:100]
        assert slow.socket.close_code == 4001
        assert "slow" in (slow.socket.close_reason or "")
        assert 0 < received < sent
        assert (await healthy.heartbeat())["status"] == "ok"
