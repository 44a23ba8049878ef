"""Svix: webhook messages, signed, delivered at least once, with Svix's retry schedule, kept across restarts."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import httpx
import structlog
from standardwebhooks import Webhook

from rte_devstack.clerk.errors import not_found
from rte_devstack.clerk.objects import JsonObject, now_ms
from rte_devstack.clerk.tokens import KEY_ID, new_id
from rte_devstack.json_files import read_json, write_json

RETRY_SECONDS = (0, 5, 300, 1800, 7200, 18_000, 36_000, 36_000)
"""Waits before each attempt, counted from the failure before it (docs.svix.com, retries)."""
TIMEOUT_SECONDS = 15
AT_ONCE = 20
"""Deliveries under way at one time."""
KEPT = 1000
"""Messages no longer under way that stay on disk to be replayed."""

log = structlog.get_logger(__name__)


@dataclass
class Message:
    """One event on its way to the endpoint. `body` is sent byte for byte at each attempt."""

    svix_id: str
    type: str
    body: str
    created_at: float
    status: Literal["pending", "delivered", "failed"] = "pending"
    due_at: float = 0
    attempts: list[JsonObject] = field(default_factory=list)
    """Every attempt ever: when (ms), and the HTTP status, or 0 for none in time."""
    tries: int = 0
    """Attempts since the message was made or replayed."""


class Deliveries:
    """The messages and their endpoint. Without `url` nothing is recorded, as with no endpoint at Svix."""

    def __init__(self, folder: Path, url: str | None, secrets: Sequence[str], retry_scale: float) -> None:
        self._folder = folder / "messages"
        self._url = url or ""
        self._signers = [Webhook(secret) for secret in secrets]
        self._waits = [seconds * retry_scale for seconds in RETRY_SECONDS]
        self._free = asyncio.Semaphore(AT_ONCE)
        self._sending: tuple[asyncio.TaskGroup, httpx.AsyncClient] | None = None
        self._under_way: dict[str, asyncio.Task[None]] = {}
        kept = [Message(**read_json(file, {})) for file in self._folder.glob("*.json")]
        self.messages = {message.svix_id: message for message in sorted(kept, key=lambda each: each.created_at)}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Deliver while inside; what is still pending at the end is taken up by the next run."""
        async with httpx.AsyncClient(timeout=TIMEOUT_SECONDS, trust_env=False) as http, asyncio.TaskGroup() as group:
            self._sending = group, http
            for message in self.messages.values():
                if message.status == "pending":
                    self._start(message)
            try:
                yield
            finally:
                self._sending = None
                for task in self._under_way.values():
                    task.cancel()

    def publish(self, event: str, data: JsonObject) -> None:
        """Record an event and deliver it in the background; order is best effort, as Svix's is."""
        if not self._url:
            return
        envelope = {
            "data": data,
            "event_attributes": {"http_request": {"client_ip": "127.0.0.1", "user_agent": "rte-devstack"}},
            "instance_id": KEY_ID,
            "object": "event",
            "timestamp": now_ms(),
            "type": event,
        }
        message = Message(new_id("msg"), event, json.dumps(envelope, ensure_ascii=False), time.time())
        self.messages[message.svix_id] = message
        self._begin(message)
        self._prune_old()

    def replay(self, svix_id: str) -> Message:
        """Deliver a message again under its id, with all its retries, whatever became of it."""
        if svix_id not in self.messages:
            raise not_found("message", svix_id)
        self._begin(self.messages[svix_id])
        return self.messages[svix_id]

    def _begin(self, message: Message) -> None:
        message.status, message.tries, message.due_at = "pending", 0, time.time()
        self._save(message)
        self._start(message)

    def _start(self, message: Message) -> None:
        if self._sending is None:
            return  # `running` will take it up
        if before := self._under_way.get(message.svix_id):
            before.cancel()
        group, http = self._sending
        task = group.create_task(self._deliver(message, http))
        self._under_way[message.svix_id] = task
        task.add_done_callback(lambda done: self._ended(message.svix_id, done))

    def _ended(self, svix_id: str, task: asyncio.Task[None]) -> None:
        if self._under_way.get(svix_id) is task:
            del self._under_way[svix_id]

    async def _deliver(self, message: Message, http: httpx.AsyncClient) -> None:
        while message.status == "pending":
            await asyncio.sleep(message.due_at - time.time())
            async with self._free:
                outcome, abort = await self._attempt(message, http)
            message.attempts.append({"at": now_ms(), "outcome": outcome})
            message.tries += 1
            if 200 <= outcome < 300:
                message.status = "delivered"
            elif abort or message.tries == len(self._waits):
                message.status = "failed"
            else:
                message.due_at = time.time() + self._waits[message.tries]
            self._save(message)

    async def _attempt(self, message: Message, http: httpx.AsyncClient) -> tuple[int, bool]:
        """Send once: the HTTP status, or 0 when there was no answer in time; and whether to give up for good."""
        now = datetime.now(UTC)
        signatures = [signer.sign(message.svix_id, now, message.body) for signer in self._signers]
        headers = {
            "content-type": "application/json",
            "svix-id": message.svix_id,
            "svix-timestamp": str(int(now.timestamp())),
            "svix-signature": " ".join(signatures),
        }
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                response = await http.post(self._url, content=message.body.encode(), headers=headers)
        except (httpx.HTTPError, TimeoutError) as error:
            log.info("webhook_not_delivered", svix_id=message.svix_id, type=message.type, error=repr(error))
            return 0, False
        if not response.is_success:
            log.info("webhook_refused", svix_id=message.svix_id, type=message.type, status=response.status_code)
        return response.status_code, response.headers.get("webhook-delivery") == "abort-message"

    def _save(self, message: Message) -> None:
        write_json(self._file(message), asdict(message))

    def _prune_old(self) -> None:
        done = [message for message in self.messages.values() if message.status != "pending"]
        for message in done[:-KEPT]:
            del self.messages[message.svix_id]
            self._file(message).unlink()

    def _file(self, message: Message) -> Path:
        return self._folder / f"{message.svix_id}.json"
