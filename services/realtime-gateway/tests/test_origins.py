"""Pages of other origins are refused, and whoever operates the gateway can see which."""

import pytest
from structlog.testing import capture_logs
from websockets.asyncio.client import connect
from websockets.datastructures import Headers
from websockets.exceptions import InvalidStatus
from websockets.http11 import Request

from rte_realtime_gateway.server.handshake import MAX_LOGGED_ORIGINS, Handshake
from rte_realtime_gateway.settings import Settings
from rte_testkit.gateway import Gateway, StartGateway


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
    assert handshake.accept(request).status_code == 403
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


async def status(gateway: Gateway, **headers: str) -> int:
    """How an upgrade with these headers is answered."""
    try:
        async with connect(gateway.websocket_url(), additional_headers=headers, proxy=None):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://127.0.0.1:{port}", 101),
        ("https://127.0.0.1:{port}", 101),
        ("HTTP://127.0.0.1:{port}", 101),
        ("http://127.0.0.1:{port}0", 403),
        ("http://127.0.0.1", 403),
        ("ftp://127.0.0.1:{port}", 403),
        ("127.0.0.1:{port}", 403),
        ("http://127.0.0.1:{port}.evil.example", 403),
        ("http://evil.example", 403),
        ("null", 403),
        ("", 403),
    ],
)
async def test_react_native_names_our_own_address_and_may_connect(gateway: Gateway, origin: str, expected: int) -> None:
    assert await status(gateway, Origin=origin.format(port=gateway.port)) == expected


@pytest.mark.parametrize("origin", ["https://realtime.example", "https://realtime.example:443"])
def test_a_port_that_need_not_be_said_makes_no_difference(origin: str) -> None:
    handshake = Handshake(
        Settings.model_construct(
            allowed_origins=("https://app.example",), clerk_authorized_parties=(), compression=False
        )
    )
    headers = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13", "Origin": origin}
    key = {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    assert handshake.accept(Request("/", Headers({**headers, **key, "Host": "realtime.example"}))).status_code == 101


async def test_pages_without_an_origin_of_their_own_need_the_setting(start_gateway: StartGateway) -> None:
    gateway = start_gateway(ALLOWED_ORIGINS="https://app.example,null")
    assert await status(gateway, Origin="null") == 101
    assert await status(gateway, Origin="https://evil.example") == 403


@pytest.mark.parametrize(
    ("offered", "answered"),
    [(["phoenix"], "phoenix"), (["other", "phoenix"], "phoenix"), (["other"], None), (None, None)],
)
async def test_the_subprotocol_of_phoenix_is_answered(
    gateway: Gateway, offered: list[str] | None, answered: str | None
) -> None:
    async with connect(gateway.websocket_url(), subprotocols=offered, proxy=None) as socket:  # type: ignore[arg-type]
        assert socket.subprotocol == answered
