"""The client of nats-py, with what is mended here until it is mended there.

These are private methods, so nats-py is held below 2.17 (pyproject.toml). tests/test_broker.py runs with nats-py's own
client too, and fails as soon as that passes: then the override here can go.
"""

import asyncio
from typing import Any

import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.transport import TcpTransport
from nats.protocol.parser import PERMISSIONS_ERR

log = structlog.get_logger(__name__)


class ResilientClient(Client):
    """A client that gives a lost connection up at once, and itself never."""

    async def _process_err(self, err_msg: str) -> None:
        # nats-py 2.16 closes the client for good, whatever the server has against the connection.
        if PERMISSIONS_ERR in err_msg:
            await super()._process_err(err_msg)
        else:
            log.warning("nats_refused", error=err_msg)
            await self._process_op_err(nats.errors.Error(err_msg))

    async def _attempt_reconnect(self) -> None:
        # nats-py 2.16 waits, before it connects again, until the connection that it lost has taken what was still to be
        # written. One whose other end has vanished does so when the kernel gives it up: after a quarter of an hour.
        if isinstance(self._transport, TcpTransport) and (writer := self._transport._io_writer):
            writer.transport.abort()
        await super()._attempt_reconnect()

    async def _flush_pending(self, force_flush: bool = False) -> Any:
        # nats-py 2.16 swallows a cancellation while it waits here: whoever was told to end would go on for ever.
        task = asyncio.current_task()
        before = task.cancelling() if task else 0
        flushed = await super()._flush_pending(force_flush)
        if task and task.cancelling() > before:
            raise asyncio.CancelledError
        return flushed
