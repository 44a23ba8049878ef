"""An endpoint for webhooks, as auth-sync has one: keeps what it receives, answers as told."""

import asyncio
from collections import deque
from dataclasses import dataclass, field

from fastapi import FastAPI, Request
from starlette.responses import Response

WEBHOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
SECRET_KEY = "sk_test_devstack"


@dataclass(frozen=True)
class Delivery:
    """One received request."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Receiver:
    """Received deliveries, in order; `answers` are used up first, then everything is 200."""

    deliveries: asyncio.Queue[Delivery] = field(default_factory=asyncio.Queue)
    answers: deque[Response] = field(default_factory=deque)

    async def next(self) -> Delivery:
        """Wait for the next delivery."""
        async with asyncio.timeout(20):
            return await self.deliveries.get()

    def app(self) -> FastAPI:
        """Serve `POST /webhooks/clerk`."""
        app = FastAPI()

        @app.post("/webhooks/clerk")
        async def receive(request: Request) -> Response:
            self.deliveries.put_nowait(Delivery(dict(request.headers), await request.body()))
            return self.answers.popleft() if self.answers else Response()

        return app
