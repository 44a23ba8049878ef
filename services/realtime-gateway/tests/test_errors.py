"""An error of ours costs as little as it can: one session, or a second look at one message, and never the process."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from nats.aio.msg import Msg
from nats.js.api import ConsumerConfig

from rte_common import jetstream
from rte_common.jetstream import Broker
from rte_common.settings import NatsSettings
from rte_devstack.nats import Nats
from rte_realtime_gateway.access.readiness import Source
from rte_realtime_gateway.broker.ordered_consumer import OrderedConsumer
from rte_realtime_gateway.protocol.messages import CloseCode
from rte_realtime_gateway.server import upkeep
from rte_testkit.gateway_world import TOPIC, World, hub_alone


def fail() -> None:
    raise RuntimeError("a bug")


def test_a_session_whose_upkeep_fails_ends_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    broken, silent = world.member(), world.member(user="user_maria")
    monkeypatch.setattr(broken.session, "check_deadlines", fail)
    world.pass_time(91)
    assert broken.wire.closed == CloseCode.BROKEN
    assert silent.wire.closed == (4002, "no heartbeat")
    assert not world.hub.clients


def test_a_session_that_cannot_be_expelled_ends_and_the_others_are_expelled(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    broken, expelled = world.member(), world.member()
    monkeypatch.setattr(broken.session, "expel_session", lambda session_id: fail())
    world.hub.end_session("sess_user_alex")
    assert broken.wire.closed == CloseCode.BROKEN
    assert expelled.heard_events() == ["system", "phx_close"]


def test_a_channel_that_cannot_end_is_drained_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    broken, other = world.member(), world.member(user="user_maria")
    monkeypatch.setattr(broken.session._channels[TOPIC], "end", fail)
    world.hub.close_some(2)
    assert other.wire.closed == CloseCode.RESTART
    assert broken.wire.closed == CloseCode.BROKEN


def test_a_channel_that_cannot_open_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    world.hub.readiness.update(Source.CHANGES, live=False)
    broken, patient = world.client(), world.client()
    monkeypatch.setattr(broken.session.writer, "push", lambda *said, **more: fail())
    for client in (broken, patient):
        client.join(token=world.tokens.token())
    world.hub.readiness.update(Source.CHANGES, live=True)
    assert patient.heard_events()[0] == "phx_reply"


async def test_upkeep_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "CHECK_SECONDS", 0)
    turns: asyncio.Queue[None] = asyncio.Queue()

    def break_down() -> None:
        turns.put_nowait(None)
        fail()

    hub = hub_alone(asyncio.get_running_loop().call_later)
    monkeypatch.setattr(hub, "check_deadlines", break_down)
    upkeeping = asyncio.create_task(upkeep.run(hub))
    async with asyncio.timeout(5):
        for _ in range(2):
            await turns.get()
    assert not upkeeping.done()
    upkeeping.cancel()


@pytest_asyncio.fixture(loop_scope="session")
async def broker(private_nats: Callable[[], Nats]) -> AsyncIterator[Broker]:
    async with jetstream.connect(NatsSettings(nats_url=(private_nats().url,)), name="test") as broker:
        await broker.ready()
        yield broker


async def test_a_message_that_fails_comes_again_and_is_left_out_only_if_it_fails_again(broker: Broker) -> None:
    tried: asyncio.Queue[str] = asyncio.Queue()
    failures = {"fails once": 1, "fails always": 9}

    def take(sequence: int, message: Msg) -> None:
        title = json.loads(message.data)
        tried.put_nowait(title)
        if failures.get(title, 0) > 0:
            failures[title] -= 1
            fail()

    consumer = OrderedConsumer(
        broker,
        "EVENTS",
        "rte.events.>",
        start=ConsumerConfig,
        on_message=take,
        on_reset=lambda sequence, stream: None,
        on_live=lambda live: None,
    )
    consuming = asyncio.create_task(consumer.run())
    for title in ("good", "fails once", "fails always", "last"):
        await broker.jetstream.publish("rte.events.test", json.dumps(title).encode())
    expected = ["good", "fails once", "fails once", "fails always", "fails always", "last"]
    async with asyncio.timeout(20):
        assert [await tried.get() for _ in expected] == expected
    consuming.cancel()


def test_a_change_that_comes_again_is_kept_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world = World()
    gone = world.member(session="5f0c2f7e-tab")
    gone.answer_pings()
    gone.session.ended()
    monkeypatch.setattr(world.hub.revocations, "apply", lambda change: fail())
    with pytest.raises(RuntimeError):
        world.change(title="twice")
    monkeypatch.undo()
    world.sequence -= 1
    world.change(title="twice")
    client = world.client(session="5f0c2f7e-tab")
    client.join(token=world.tokens.token())
    assert client.heard_changes() == ["twice"]
