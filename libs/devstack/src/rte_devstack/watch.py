"""`make watch`: what happens in a member's team, a line for each event, over the public websocket.

Speaks the protocol of docs/realtime-clients.md itself: the official Python client stops after five failed attempts to
connect, and this is left running for hours.
"""

import asyncio
import contextlib
import itertools
import json
from datetime import datetime
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from rte_devstack import news
from rte_devstack.program import ProgramFailed
from rte_devstack.stack import Stack
from rte_devstack.terminal import discard_output

TOPIC = "realtime:expectations:active"
TABLES = ("expectations", "users", "memberships")
RENEW_SECONDS = 25
"""Between two heartbeats, each with a fresh token: one lives for 60 s."""
PAUSE_SECONDS = 1
NOTHING_MISSED = "Resumed"
POSITION_KNOWN = (NOTHING_MISSED, "Load again")
"""How the last of the `system` messages after a join begins."""


class Refused(Exception):
    """The gateway lets this member not listen at the moment; the message is its reason."""


def follow_team(stack: Stack, member: str) -> None:
    """Print the events of the member's team until Ctrl-C; ProgramFailed when there is no such member."""
    try:
        asyncio.run(Watch(stack, member).run())
    except KeyboardInterrupt:
        return
    except BrokenPipeError:
        discard_output()


class Member:
    """A demo member as their browser would be: tokens from the Clerk stand-in, names from the api."""

    def __init__(self, http: httpx.AsyncClient, stack: Stack, member: str) -> None:
        self._http = http
        self._stack = stack
        self._member = member
        self._session = f"sess_{uuid4().hex[:27]}"

    async def token(self) -> str:
        """A fresh token, always of the same session; ProgramFailed when the stand-in does not know the member."""
        asked = {"member": self._member, "session_id": self._session}
        answer = await self._http.post(f"{self._stack.url('clerk')}/devstack/tokens", json=asked)
        if answer.is_client_error:
            raise ProgramFailed(f"no token for {self._member}: {answer.json()['errors'][0]['message']}")
        return str(answer.raise_for_status().json()["token"])

    async def ask(self, path: str, **query: str) -> Any:
        """Read from the api."""
        headers = {"authorization": f"Bearer {await self.token()}"}
        answer = await self._http.get(f"{self._stack.url('traefik')}/api/v1{path}", params=query, headers=headers)
        return answer.raise_for_status().json()

    async def team_names(self) -> dict[str, str]:
        """What everybody in the team is called, by user id."""
        names: dict[str, str] = {}
        query: dict[str, str] = {}
        while True:
            page = await self.ask("/team/members", **query)
            names |= {each["id"]: news.one_line(each["name"]) for each in page["items"]}
            if page["next_cursor"] is None:
                return names
            query = {"cursor": page["next_cursor"]}


class Watch:
    """One listener, over as many connections as it takes."""

    def __init__(self, stack: Stack, member: str) -> None:
        self._stack = stack
        self._who = member
        self._names: dict[str, str] = {}
        self._versions: dict[str, float] = {}
        """The newest version of each expectation that was told: after a break the last changes come twice."""
        self._here: dict[str, str] = {}
        """User ids of those whose screens are open, by presence reference."""
        self._refs = itertools.count(1)
        self._connected: bool | None = None
        """None until the first connection."""

    async def run(self) -> None:
        """Connect, again and again, until cancelled."""
        query = urlencode({"vsn": "2.0.0", "apikey": "watch", "session": uuid4()})
        url = f"{self._stack.url('traefik', 'ws')}/realtime/v1/websocket?{query}"
        async with httpx.AsyncClient(trust_env=False) as http:
            member = Member(http, self._stack, self._who)
            while True:
                try:
                    async with connect(url, proxy=None, max_size=None) as socket:
                        await self._listen(socket, member)
                except (OSError, WebSocketException, httpx.HTTPError, Refused) as error:
                    self._note_break(error)
                await asyncio.sleep(PAUSE_SECONDS)

    async def _listen(self, socket: ClientConnection, member: Member) -> None:
        self._names = await member.team_names()
        self._here = {}
        bindings = [{"event": "*", "schema": "public", "table": table} for table in TABLES]
        config = {"postgres_changes": bindings, "presence": {"enabled": True}}
        join = await self._send(socket, "phx_join", {"config": config, "access_token": await member.token()})
        loop = asyncio.get_running_loop()
        renewal = loop.time() + RENEW_SECONDS
        while True:
            try:
                async with asyncio.timeout_at(renewal):
                    text = await socket.recv()
            except TimeoutError:
                await self._send(socket, "heartbeat", {}, topic="phoenix")
                await self._send(socket, "access_token", {"access_token": await member.token()})
                renewal = loop.time() + RENEW_SECONDS
                continue
            _, ref, _, event, payload = json.loads(text)
            if event in ("phx_error", "phx_close") or (ref == join and payload.get("status") == "error"):
                raise Refused(payload.get("response", payload).get("reason", "the channel was closed"))
            await self._take(event, payload, member)

    async def _send(self, socket: ClientConnection, event: str, payload: Any, topic: str = TOPIC) -> str:
        ref = str(next(self._refs))
        await socket.send(json.dumps(["watch" if topic == TOPIC else None, ref, topic, event, payload]))
        return ref

    async def _take(self, event: str, payload: Any, member: Member) -> None:
        match event:
            case "postgres_changes":
                await self._tell(payload["data"], member)
            case "presence_state":
                self._here |= _users(payload)
            case "presence_diff":
                self._tell_presence(_users(payload["joins"]), _users(payload["leaves"]))
            case "system" if payload["message"].startswith(POSITION_KNOWN):
                await self._note_connection(payload["message"], member)

    async def _tell(self, change: Any, member: Member) -> None:
        new, old = change.get("record") or None, change.get("old_record") or None
        row = new or old or {}
        at = datetime.fromisoformat(change["commit_timestamp"]).astimezone()
        if change["table"] == "users":
            _say(news.of_user(new, old), at)
            if not row["deleted_at"]:  # whose name is gone then; that they left the team is another change
                self._names[row["id"]] = news.one_line(row["name"])
            return
        user_id = row["user_id"]
        if user_id not in self._names:
            self._names = await member.team_names() | self._names
        name = self._names.get(user_id, "Somebody")
        if change["table"] == "memberships":
            _say(news.of_membership(name, new, old), at)
        elif self._is_news(row, gone=new is None):
            _say(news.of_expectation(name, new, old, at), at)

    def _is_news(self, expectation: news.Row, *, gone: bool) -> bool:
        version = float("inf") if gone else expectation["version"]
        known = self._versions.get(expectation["id"], 0)
        self._versions[expectation["id"]] = max(version, known)
        return bool(version > known)

    def _tell_presence(self, joins: dict[str, str], leaves: dict[str, str]) -> None:
        # Who changes what they show leaves and joins in one message: that is no coming and no going.
        before = set(self._here.values())
        self._here = {ref: user for ref, user in (self._here | joins).items() if ref not in leaves}
        after = set(self._here.values())
        for user in sorted(before ^ after):
            _say(f"{self._names.get(user, 'Somebody')} {'is here' if user in after else 'is away'}")

    async def _note_connection(self, message: str, member: Member) -> None:
        if self._connected is None:
            me = await member.ask("/me")
            _say(f"watching {me['team']['name']} as {me['name']}; Ctrl-C ends it")
        elif not self._connected:
            missed = "" if message.startswith(NOTHING_MISSED) else "; what happened meanwhile is not shown"
            _say(f"connected again{missed}")
        self._connected = True

    def _note_break(self, error: Exception) -> None:
        if self._connected is not False:
            _say(f"{'disconnected' if self._connected else 'not connected yet'}, trying again ({_reason(error)})")
        self._connected = False


def _users(presences: Any) -> dict[str, str]:
    metas = (meta for presence in presences.values() for meta in presence["metas"])
    return {meta["phx_ref"]: meta["user_id"] for meta in metas}


def _reason(error: Exception) -> str:
    with contextlib.suppress(IndexError):
        return str(error).splitlines()[0]
    return type(error).__name__


def _say(line: str | None, at: datetime | None = None) -> None:
    if line is not None:
        print(f"{at or datetime.now().astimezone():%H:%M:%S} {line}", flush=True)
