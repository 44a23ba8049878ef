"""Pages of other origins are refused, and whoever operates the gateway can see which."""

from structlog.testing import capture_logs
from websockets.datastructures import Headers
from websockets.http11 import Request

from rte_realtime_gateway.server.handshake import MAX_LOGGED_ORIGINS, Handshake
from rte_realtime_gateway.settings import Settings


def refused(handshake: Handshake, origin: str) -> None:
    """A page of this origin tries to connect."""
    request = Request(
        "/",
        Headers(
            {
                "Upgrade": "websocket",
                "Connection": "Upgrade",
                "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                "Sec-WebSocket-Version": "13",
                "Origin": origin,
            }
        ),
    )
    assert handshake.protocol.accept(request).status_code == 403
    handshake.log_refused_origin(request)


def test_the_first_refusal_of_an_origin_is_logged_and_no_flood() -> None:
    settings = Settings.model_construct(
        allowed_origins=("https://app.example",), clerk_authorized_parties=(), compression=False
    )
    handshake = Handshake(settings)
    with capture_logs() as logs:
        for origin in ("http://localhost:5173", "http://localhost:5173", "https://evil.example"):
            refused(handshake, origin)
        assert [line["origin"] for line in logs] == ["http://localhost:5173", "https://evil.example"]
        for number in range(2 * MAX_LOGGED_ORIGINS):
            refused(handshake, f"https://{number}.example")
    assert len(logs) == MAX_LOGGED_ORIGINS
