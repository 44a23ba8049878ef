"""The deployed Traefik configuration: valid, and routing as promised with a real Traefik."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
import yaml
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from rte_devstack.serving import serving
from rte_devstack.traefik import DEPLOYED, Traefik

SERVICES = ("RTE_API_URL", "RTE_REALTIME_GATEWAY_URL", "RTE_AUTH_SYNC_URL")


def wait_for(log: Path, text: str) -> None:
    while text not in log.read_text():
        time.sleep(0.01)


def schema(name: str) -> Any:
    return json.loads((DEPLOYED / "schemas" / name).read_text())


def test_the_static_file_is_valid() -> None:
    static = yaml.safe_load((DEPLOYED / "traefik.yaml").read_text())
    # The published schema knows neither these keys of Traefik 3.7 nor, at the top, which keys are wrong.
    assert static["accessLog"]["fields"].pop("queryParameters") == {"defaultMode": "drop"}
    for name in ("https", "metrics"):
        assert static["entryPoints"][name]["http"].pop("aliasHeadersStrategy") == "delete"
    rules = schema("traefik-v3.json")
    jsonschema.validate(static, rules)
    assert static.keys() <= rules["properties"].keys()


@pytest.mark.parametrize("file", sorted((DEPLOYED / "dynamic").glob("*.yaml")), ids=lambda file: file.name)
def test_a_dynamic_file_is_valid(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), schema("traefik-v3-file-provider.json"))


async def echo(request: Request) -> Response:
    size = len(await request.body())
    padding = "x" * int(request.query_params.get("pad", "0"))
    return JSONResponse(
        {"path": request.url.path, "size": size, "padding": padding, "headers": list(request.headers)},
        headers={"Cache-Control": "private, max-age=60", "ETag": '"1"'},
    )


async def socket(websocket: WebSocket) -> None:
    await websocket.accept()
    await websocket.send_text(await websocket.receive_text())
    await websocket.close()


async def ready(_: Request) -> Response:
    return JSONResponse({"status": "ready"})


BACKEND = FastAPI(
    routes=[
        Route("/ready", ready),
        WebSocketRoute("/realtime/v1/websocket", socket),
        WebSocketRoute("/socket/websocket", socket),
        Route("/{path:path}", echo, methods=["GET", "POST"]),
    ]
)


@pytest.fixture(scope="module")
async def backend() -> AsyncIterator[str]:
    async with serving(BACKEND, ws="websockets-sansio") as url:
        yield url


@pytest.fixture(scope="module")
def traefik(devstack_folder: Path, reserve_port: Callable[[], int], backend: str) -> Iterator[Traefik]:
    with proxy(devstack_folder / "with a blank", reserve_port, (*SERVICES, "RTE_WEB_URL"), backend) as server:
        yield server


@pytest.fixture
def without_web(tmp_path: Path, reserve_port: Callable[[], int], backend: str) -> Iterator[str]:
    """Address of a Traefik that knows no web client."""
    with proxy(tmp_path / "traefik", reserve_port, SERVICES, backend) as server:
        yield f"http://127.0.0.1:{server.port}"


def proxy(folder: Path, reserve_port: Callable[[], int], names: Iterable[str], backend: str) -> Traefik:
    """A Traefik before services that are all `backend`."""
    return Traefik(
        folder,
        port=reserve_port(),
        metrics_port=reserve_port(),
        backends=dict.fromkeys(names, backend),
        log=folder.with_suffix(".log"),
    )


@pytest.fixture
async def client(traefik: Traefik) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{traefik.port}", trust_env=False) as client:
        yield client


@pytest.mark.parametrize(
    "path",
    ["/api/v1/expectations", "/problems/no-token", "/webhooks/clerk", "/realtime/v1/api/broadcast", "/", "/history"],
)
async def test_a_path_reaches_its_service_unchanged_and_hardened(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.json()["path"] == path
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "server" not in answer.headers


async def test_cache_headers_of_a_service_arrive_unchanged(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/expectations")
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert answer.headers["etag"] == '"1"'


async def test_only_large_api_answers_are_compressed(client: httpx.AsyncClient) -> None:
    large, small = await client.get("/api/v1/any?pad=2000"), await client.get("/api/v1/any?pad=10")
    assert "content-encoding" in large.headers
    assert "content-encoding" not in small.headers


async def test_a_webhook_that_is_too_large_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.post("/webhooks/clerk", content=b"x" * 262_144)).json()["size"] == 262_144
    assert (await client.post("/webhooks/clerk", content=b"x" * 262_145)).status_code == 413


async def test_the_web_client_comes_as_it_is_compressed_already(client: httpx.AsyncClient) -> None:
    assert "content-encoding" not in (await client.get("/assets/any?pad=2000")).headers


async def test_without_a_web_client_the_front_page_leads_to_the_documentation(without_web: str) -> None:
    async with httpx.AsyncClient(base_url=without_web, trust_env=False) as client:
        front, other = await client.get("/"), await client.get("/history")

    assert (front.status_code, front.headers["location"]) == (302, "/api/docs")
    assert other.status_code == 404


async def test_a_header_that_poses_as_the_proxys_is_dropped(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/any", headers={"X_Forwarded_For": "192.0.2.1", "X-Kept": "1"})
    assert "x-kept" in answer.json()["headers"]
    assert "x_forwarded_for" not in answer.json()["headers"]


async def test_other_paths_reach_no_service(client: httpx.AsyncClient) -> None:
    for path in ("/ready", "/metrics", "/webhooks/other"):
        assert (await client.get(path)).status_code == 404


@pytest.mark.parametrize("path", ["/realtime/v1/websocket", "/socket/websocket"])
async def test_a_websocket_passes(traefik: Traefik, path: str) -> None:
    async with connect(f"ws://127.0.0.1:{traefik.port}{path}?apikey=secret", proxy=None) as websocket:
        await websocket.send("hello")
        assert await websocket.recv() == "hello"


async def test_the_access_log_has_no_query_string_no_header_and_no_address(
    client: httpx.AsyncClient, traefik: Traefik
) -> None:
    await client.get("/api/logged?token=secret-in-query", headers={"Authorization": "Bearer secret-in-header"})
    await client.get("/api/logged-after-it")
    await asyncio.to_thread(wait_for, traefik.log, "/api/logged-after-it")  # written after the answer has left
    text = traefik.log.read_text()
    [entry] = [json.loads(line) for line in text.splitlines() if '"RequestPath":"/api/logged"' in line]
    assert "secret" not in text
    assert not {"ClientAddr", "ClientHost", "ClientPort"} & entry.keys()
    assert entry["DownstreamStatus"] == 200


async def test_metrics_have_a_bucket_at_the_promised_200_ms(client: httpx.AsyncClient, traefik: Traefik) -> None:
    await client.get("/api/measured")
    metrics = (await client.get(f"http://127.0.0.1:{traefik.metrics_port}/metrics")).text
    assert 'le="0.2"' in metrics
