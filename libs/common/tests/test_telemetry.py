"""What nobody caught is told once to the operators, with the id that its caller has."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from starlette.responses import StreamingResponse
from structlog.contextvars import merge_contextvars
from structlog.testing import capture_logs

from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext
from rte_devstack.serving import serving

app = FastAPI(telemetry=FRAMEWORK_TELEMETRY)
app.add_middleware(RequestContext)


@app.get("/before")
async def before_the_answer() -> None:
    raise ZeroDivisionError


@app.get("/within")
async def within_the_answer() -> StreamingResponse:
    async def parts() -> AsyncIterator[bytes]:
        yield b"a part"
        raise ZeroDivisionError

    return StreamingResponse(parts())


async def test_a_failure_is_answered_and_logged_with_its_request_id() -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with serving(app) as url, httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{url}/before")
    failed, served = lines

    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/unexpected")
    assert (failed["event"], type(failed["exc_info"])) == ("request_failed", ZeroDivisionError)
    assert (served["event"], served["status"]) == ("request_served", 500)
    assert failed["request_id"] == served["request_id"] == answer.headers["x-request-id"]


async def test_an_answer_that_fails_on_the_way_is_broken_off() -> None:
    with capture_logs(processors=[merge_contextvars]) as lines:
        async with serving(app) as url, httpx.AsyncClient(trust_env=False) as http:
            with pytest.raises(httpx.RemoteProtocolError):
                await http.get(f"{url}/within")

    assert [line["event"] for line in lines] == ["request_failed", "request_served"]


async def test_an_address_that_nobody_needs_is_refused_and_logged_short() -> None:
    with capture_logs() as lines:
        async with serving(app) as url, httpx.AsyncClient(trust_env=False) as http:
            answer = await http.get(f"{url}/before/{'x' * 30_000}")

    assert (answer.status_code, answer.json()["type"]) == (414, "/problems/address-too-long")
    assert [line["event"] for line in lines] == ["request_served"]
    assert len(lines[0]["path"]) < 300
