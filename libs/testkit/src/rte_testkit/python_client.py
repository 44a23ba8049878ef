"""The official Python client in a process of its own, led by the same lines of JSON as tests/js/client.mjs."""

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from realtime import AsyncRealtimeChannel, AsyncRealtimeClient

wish = json.loads(sys.argv[1])


def say(kind: str, **fields: Any) -> None:
    """Write one line."""
    print(json.dumps({"kind": kind, **fields}, default=str), flush=True)


async def commands(client: AsyncRealtimeClient, channel: AsyncRealtimeChannel) -> None:
    """Do what stdin says until it ends."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=1 << 22)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    does: dict[str, Callable[[dict[str, Any]], Awaitable[Any]]] = {
        "track": lambda command: channel.track(command["payload"]),
        "untrack": lambda _: channel.untrack(),
        "broadcast": lambda command: channel.send_broadcast(command["event"], command["payload"]),
        "token": lambda command: client.set_auth(command["value"]),
        "leave": lambda _: channel.unsubscribe(),
    }
    while line := await reader.readline():
        command = json.loads(line)
        if command["do"] == "exit":
            return
        await does[command["do"]](command)
        say("done", do=command["do"], result="ok")


def say_change(number: int, payload: dict[str, Any]) -> None:
    """Report a change as the JavaScript client shows it; here the payload is {data: {...}, ids: [...]}."""
    data = payload["data"]
    say(
        "change",
        binding=number,
        eventType=data["type"],
        new=data.get("record") or {},
        old=data.get("old_record") or {},
        **{key: data[key] for key in ("schema", "table", "commit_timestamp", "errors")},
    )


async def main() -> None:
    """Subscribe as wished, and report."""
    client = AsyncRealtimeClient(wish["url"], wish["key"], params=wish.get("params"))
    if wish.get("token"):
        await client.set_auth(wish["token"])
    options: Any = {"config": wish.get("config") or {}}
    channel = client.channel(wish["topic"], options)
    for number, binding in enumerate(wish.get("changes") or []):
        channel.on_postgres_changes(
            binding["event"],
            callback=partial(say_change, number),
            **{key: binding[key] for key in ("schema", "table", "filter") if key in binding},
        )
    if (wish.get("config") or {}).get("presence"):
        channel.on_presence_sync(lambda: say("presence", state=channel.presence_state()))
        channel.on_presence_join(lambda key, _, metas: say("join", key=key, metas=metas))
        channel.on_presence_leave(lambda key, _, metas: say("left", key=key, metas=metas))
    for event in wish.get("broadcasts") or []:
        channel.on_broadcast(event, lambda payload: say("broadcast", **payload))
    channel.on_system(lambda payload: say("system", **dict(payload)))
    await channel.subscribe(lambda status, error: say("status", status=status.value, error=str(error or "")))
    await commands(client, channel)
    await client.close()


asyncio.run(main())
