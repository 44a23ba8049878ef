"""`POST /webhooks/clerk`: signature checked, message kept in NATS. Clerk waits for no more than that.

Deliveries come through Svix: at least once, in any order, 15 s to answer, retried for a day unless 2xx
(docs.svix.com, receiving and retries).
"""

import binascii
import re
from collections.abc import Sequence

import nats.errors
import orjson
import structlog
from fastapi import APIRouter, Request, Response
from prometheus_client import Counter
from standardwebhooks import Webhook, WebhookVerificationError

from rte_auth_sync.clerk import SUBSCRIBED
from rte_auth_sync.state import State
from rte_common.problems import Problem, may_raise

log = structlog.get_logger(__name__)

SIGNATURE = re.compile(r"v1,[A-Za-z0-9+/]{43}=", re.ASCII)
ESCAPE = re.compile(rb"\\(?:u[dD][89abAB]..\\u[dD][c-fC-F]..|(?P<half>u[dD][89a-fA-F]..)|(?P<nul>u0000)|.)", re.DOTALL)
"""An escape of JSON; each is read as a whole, so that a backslash which is one itself begins none."""
MAX_BYTES = 1024 * 1024
RECEIVED = Counter("rte_clerk_webhooks_total", "Webhooks received", ["type", "outcome"])

router = APIRouter()


class BadSignature(Problem):
    """The webhook is not signed by Clerk"""

    type = "bad-webhook-signature"


class NotAWebhook(Problem):
    """The body is not a Clerk event"""

    type = "not-a-clerk-event"


class TooLarge(Problem):
    """The body is too large"""

    type = "body-too-large"


class NotStored(Problem):
    """The webhook could not be stored"""

    type = "webhook-not-stored"


@router.post(
    "/webhooks/clerk",
    operation_id="receiveClerkWebhook",
    responses=may_raise(BadSignature, NotAWebhook, TooLarge, NotStored),
)
async def receive(request: Request) -> Response:
    """Keep a genuine message for the consumer; a repeated one is dropped by its `svix-id`."""
    state: State = request.scope["state"]
    body = await _read(request)
    _verify(body, request, state["settings"].clerk_webhook_secret)
    body = storable(body)
    event_type = _type_of(body)
    if event_type not in SUBSCRIBED:
        RECEIVED.labels("other", "ignored").inc()
        return Response(status_code=204)
    broker = state["broker"]
    message_id = request.headers["svix-id"]
    try:
        if not broker.client.is_connected:
            raise nats.errors.ConnectionReconnectingError
        await broker.jetstream.publish(f"rte.clerk.{event_type}", body, headers={"Nats-Msg-Id": message_id})
    except (OSError, nats.errors.Error) as error:
        log.warning("webhook_not_stored", svix_id=message_id, type=event_type, error=repr(error))
        RECEIVED.labels(event_type, "failed").inc()
        raise NotStored("Deliver it again later", headers={"retry-after": "5"}) from error
    RECEIVED.labels(event_type, "stored").inc()
    return Response(status_code=204)


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise TooLarge(f"A webhook has at most {MAX_BYTES} bytes")
    return bytes(body)


def _verify(body: bytes, request: Request, secrets: Sequence[str]) -> None:
    headers = {f"webhook-{name}": request.headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature")}
    # The library gives up at the first element that it cannot read, and the genuine one may come after it.
    headers["webhook-signature"] = " ".join(filter(SIGNATURE.fullmatch, headers["webhook-signature"].split(" ")))
    for secret in secrets:
        try:
            Webhook(secret).verify(body, headers, json_parse=False)
        except (WebhookVerificationError, ValueError, binascii.Error):
            # A malformed signature is a ValueError, a body that is not UTF-8 a UnicodeDecodeError (a ValueError too).
            continue
        return
    RECEIVED.labels("unknown", "refused").inc()
    raise BadSignature("Check CLERK_WEBHOOK_SECRET against the endpoint's signing secret, and both clocks")


def storable(body: bytes) -> bytes:
    """The JSON without what no database keeps as text: NUL, and halves of characters (as U+FFFD)."""

    def kept(escape: re.Match[bytes]) -> bytes:
        return b"\\ufffd" if escape["half"] else b"" if escape["nul"] else escape[0]

    return ESCAPE.sub(kept, body)


def _type_of(body: bytes) -> str:
    try:
        envelope = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise NotAWebhook("The body must be JSON") from error
    if not isinstance(envelope, dict) or not isinstance(envelope.get("type"), str):
        raise NotAWebhook("The body must be an event with a type")
    return str(envelope["type"])
