"""Whatever happens to a client, in whatever order: it has every change in the end, in order, or was told to load again.

One client with a session id, and two replicas that read the same stream and tell each other positions, each in its own
time.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from rte_common.auth import Member
from rte_realtime_gateway.access.authorization import Refused
from rte_realtime_gateway.access.readiness import Source
from rte_realtime_gateway.protocol.changes import Change
from rte_realtime_gateway.protocol.frames import PING, Version
from rte_realtime_gateway.protocol.messages import LOAD_AGAIN, RESUMED, CloseCode
from rte_testkit.gateway import OTHER_TEAM, TEAM, row
from rte_testkit.gateway_world import TOPIC, Client, Said, Tokens, World, frames

OWN = "realtime:expectations:user:user_alex"
WANTED = {TOPIC: {"user_alex", "user_maria"}, OWN: {"user_alex"}}
SESSION = "5f0c2f7e-tab"

topics = st.sampled_from([TOPIC, OWN])
replicas = st.integers(0, 1)


@dataclass
class SlowGate:
    """Takes its time with tokens while `slow`."""

    tokens: Tokens
    slow: bool = False
    _waiting: list[tuple[str, Callable[[Member], None], Callable[[Refused], None]]] = field(default_factory=list)

    def check(self, token: str, granted: Callable[[Member], None], refused: Callable[[Refused], None]) -> None:
        if self.slow:
            self._waiting.append((token, granted, refused))
        else:
            self.tokens.check(token, granted, refused)

    def hurry(self) -> None:
        self.slow = False
        waiting, self._waiting = self._waiting, []
        for token, granted, refused in waiting:
            self.tokens.check(token, granted, refused)


@dataclass
class View:
    """What the application knows of one topic."""

    has: int = 0
    """Every change up to here, unless something is `missing`."""
    missing: bool = True
    latest: int = 0
    """Of the changes that came with the present join."""
    ref: str | None = None
    """Of the present join; None: there is none."""
    told: bool = False
    """Whether the present join has said where it stands."""


class Resume(RuleBasedStateMachine):
    """The rules choose what happens; `_take` judges what the client is told."""

    @initialize(version=st.sampled_from(Version))
    def begin(self, version: Version) -> None:
        here = World()
        there = World(here.clock)
        there.tokens = here.tokens
        self.version, self.clock, self.tokens, self.worlds = version, here.clock, here.tokens, (here, there)
        self.gate = SlowGate(self.tokens)
        self.stream: list[Change] = []
        self.views = {TOPIC: View(), OWN: View()}
        self.client: Client | None = None
        self.replica = 0
        self.acknowledged = [dict.fromkeys(self.views, 0), dict.fromkeys(self.views, 0)]
        self.proofs: dict[bytes, dict[str, int]] = {}
        """Ping -> what the client had when it came."""
        self.listeners = [world.client(version) for world in self.worlds]
        for listener in self.listeners:
            listener.join(token=self.tokens.token("user_maria", lives=1e9))
        self.settle()

    def usable(self) -> bool:
        return self.client is not None and self.client.session.is_open

    # The stream

    @rule(user=st.sampled_from(["user_alex", "user_maria"]), team=st.sampled_from([TEAM, TEAM, OTHER_TEAM]))
    def commit(self, user: str, team: str) -> None:
        self.worlds[0].sequence = len(self.stream)
        record = row(user_id=user, team_id=team, title=str(len(self.stream) + 1))
        now = self.clock.now()
        self.stream.append(self.worlds[0]._change("INSERT", "expectation", team, user, record, None, now))

    @rule(user=st.sampled_from(["user_alex", "user_maria"]), count=st.sampled_from([30, 150]))
    def commit_many(self, user: str, count: int) -> None:
        for _ in range(count):
            self.commit(user, TEAM)

    @rule(replica=replicas, count=st.sampled_from([1, 2, 50, 1_000]), flush=st.booleans())
    def feed(self, replica: int, count: int, flush: bool) -> None:
        hub = self.worlds[replica].hub
        for change in self.stream[hub.fanout.latest : hub.fanout.latest + count]:
            hub.publish(change)
        if flush:
            self.clock.advance()

    @rule()
    def commit_while_changes_gather(self) -> None:
        for _ in range(3):
            self.commit("user_alex", TEAM)
            self.feed(self.replica, len(self.stream), flush=True)

    @rule(replica=replicas, live=st.booleans())
    def flow(self, replica: int, live: bool) -> None:
        if live:
            self.feed(replica, len(self.stream), flush=True)
        self.worlds[replica].hub.readiness.update(Source.CHANGES, live=live)

    @rule()
    def share_positions(self) -> None:
        for one, other in (self.worlds, self.worlds[::-1]):
            positions = one.hub.positions
            for client in one.peers.unshared:
                other.hub.positions.learn(client, positions.of(client), positions.stream)
            one.peers.unshared.clear()
        for topic in self.views:
            latest = max(acknowledged[topic] for acknowledged in self.acknowledged)
            self.acknowledged[0][topic] = self.acknowledged[1][topic] = latest

    @rule(seconds=st.sampled_from([0.03, 0.2, 1, 3, 40, 400]))
    def wait(self, seconds: float) -> None:
        for second in range(int(seconds)):
            if second % 20 == 0:
                self.beat()
            self.clock.advance(1)
            for world in self.worlds:
                world.hub.check_deadlines()
        self.clock.advance(seconds % 1)
        for world in self.worlds:
            world.hub.prune()

    # The client

    @precondition(lambda self: self.client is None)
    @rule(replica=replicas)
    def connect(self, replica: int) -> None:
        self.client = self.worlds[replica].client(self.version, session=SESSION, gate=self.gate)
        self.replica, self.proofs = replica, {}
        for view in self.views.values():
            view.ref, view.told = None, False

    @precondition(usable)
    @rule(topic=topics, with_token=st.booleans())
    def join(self, topic: str, with_token: bool) -> None:
        self.hear()
        if self.client is not None and self.usable():
            view = self.views[topic]
            view.ref = self.client.join(topic, token=self.tokens.token() if with_token else None)
            view.latest, view.told = 0, False

    @precondition(usable)
    @rule(topic=topics)
    def renew(self, topic: str) -> None:
        assert self.client is not None
        self.client.say("access_token", {"access_token": self.tokens.token()}, topic=topic)

    @precondition(usable)
    @rule(topic=topics)
    def leave(self, topic: str) -> None:
        self.hear()
        if self.client is not None and self.usable() and self.views[topic].told:
            self.share_positions()  # which takes a twentieth of a second: nobody comes, joins and leaves so fast
            self.client.say("phx_leave", {}, topic=topic)
            self.hear()
            self.views[topic] = View()
            self.share_positions()
            self.proofs.clear()
            for acknowledged in self.acknowledged:
                acknowledged[topic] = 0

    @rule()
    def beat(self) -> None:
        for client in (self.client, *self.listeners):
            if client is not None and client.session.is_open:
                client.say("heartbeat", {}, topic="phoenix")

    @rule(slow=st.booleans())
    def check_tokens(self, slow: bool) -> None:
        self.gate.hurry()
        self.gate.slow = slow

    @precondition(usable)
    @rule(lagging=st.booleans())
    def lag(self, lagging: bool) -> None:
        assert self.client is not None
        self.client.session.rewire(lagging=lagging)

    @precondition(lambda self: self.client is not None)
    @rule()
    def hear(self) -> None:
        assert self.client is not None
        data, self.client.wire.data = self.client.wire.data, b""
        for first, payload in frames(data):
            if first == PING:
                self.client.pings.append(payload)
                self.proofs[payload] = {topic: view.latest for topic, view in self.views.items() if view.told}
            else:
                self._take(self.client._read(json.loads(payload)))

    @precondition(lambda self: self.client is not None and self.client.pings)
    @rule()
    def answer_ping(self) -> None:
        assert self.client is not None
        payload = self.client.pings.pop(0)
        self.client.session.answered(payload)
        for topic, latest in self.proofs.get(payload, {}).items():
            self.acknowledged[self.replica][topic] = max(latest, self.acknowledged[self.replica][topic])

    @precondition(usable)
    @rule()
    def prove(self) -> None:
        self.beat()
        self.hear()
        while self.client is not None and self.client.pings:
            self.answer_ping()

    @precondition(usable)
    @rule(heard=st.booleans(), replica=replicas)
    def return_to(self, heard: bool, replica: int) -> None:
        self.cut(heard)
        self.connect(replica)
        self.join(TOPIC, with_token=True)

    @precondition(lambda self: self.client is not None)
    @rule(heard=st.booleans())
    def cut(self, heard: bool) -> None:
        assert self.client is not None
        if heard:
            self.hear()
        self.client.session.ended()
        self.client = None

    @precondition(usable)
    @rule(answered=st.booleans())
    def send_away(self, answered: bool) -> None:
        assert self.client is not None
        self.client.session.close(*CloseCode.RESTART)
        if answered:
            self.hear()
            self.client.session.close_answered()
        self.cut(heard=False)

    @rule()
    def settle(self) -> None:
        """Nothing is in the way any more: in the end nothing is missing."""
        self.check_tokens(slow=False)
        self.flow(0, live=True), self.flow(1, live=True)
        if self.client is not None and not self.usable():
            self.cut(heard=True)
        if self.client is None:
            self.connect(self.replica)
        self.lag(lagging=False)
        self.clock.advance(4)
        self.hear()
        for topic, view in self.views.items():
            if view.ref is None:
                self.join(topic, with_token=True)
            self.renew(topic)
        self.clock.advance(4)
        self.hear()
        for topic, view in self.views.items():
            assert view.ref is None or (view.told and not view.missing), "not told where it stands"
            assert view.ref is None or not self._wanted(topic, view.has), "lost"

    def teardown(self) -> None:
        self.settle()
        self.cut(heard=True)
        for world in self.worlds:
            assert len(world.hub.clients) == 1, "only the listener is left"

    # What the client is told

    def _take(self, said: Said) -> None:
        view = self.views.get(said.topic)
        if view is None or view.ref is None:
            return
        match said.event:
            case "phx_error":
                view.ref = None
            case "phx_reply" if said.ref == view.ref and said.payload["status"] == "error":
                view.ref = None
            case "system" if said.payload["message"] == LOAD_AGAIN:
                view.told, view.missing, view.has = True, False, len(self.stream)
            case "system" if said.payload["message"] == RESUMED:
                assert not view.missing, "resumed, but something is missing"
                view.told = True
            case "postgres_changes":
                self._take_change(view, said.topic, int(said.payload["data"]["record"]["title"]))

    def _take_change(self, view: View, topic: str, number: int) -> None:
        assert number > view.latest, "out of order"
        assert number > self.acknowledged[self.replica][topic], "doubled, though acknowledged"
        assert number in self._wanted(topic, number - 1), "not meant for it"
        view.latest = number
        if self._wanted(topic, view.has, number):
            assert not view.told, "lost"
            view.missing = True
        view.has = max(view.has, number)

    def _wanted(self, topic: str, after: int, before: int | None = None) -> list[int]:
        changes = self.stream[after : None if before is None else before - 1]
        return [change.sequence for change in changes if change.team_id == TEAM and change.user_id in WANTED[topic]]


# A failure is shown as it was found: to make it shorter takes minutes.
Resume.TestCase.settings = settings(
    max_examples=200, stateful_step_count=50, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate]
)
TestResume = Resume.TestCase
