"""What nobody caught is told once to the operators, with the id that its caller has."""

import os
import subprocess
import sys
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
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


@pytest.mark.parametrize("flags", ["00", "01"])
async def test_a_caller_does_not_decide_whether_a_request_is_traced(
    flags: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    traced = FastAPI(telemetry=FRAMEWORK_TELEMETRY)
    traced.add_middleware(RequestContext)
    headers = {"traceparent": f"00-{'a' * 32}-{'b' * 16}-{flags}"}
    async with serving(traced) as url, httpx.AsyncClient(trust_env=False) as http:
        await http.get(f"{url}/any", headers=headers)

    (span,) = exporter.get_finished_spans()
    assert span.parent is None
    assert [f"{link.context.trace_id:032x}" for link in span.links] == ["a" * 32]


SAMPLER = """
from opentelemetry import trace
from rte_common import telemetry
from rte_common.settings import ProcessSettings
telemetry.setup("test", ProcessSettings(otel_exporter_otlp_endpoint="http://127.0.0.1:1"))
print(trace.get_tracer_provider().sampler.get_description())
"""


def test_opentelemetrys_own_variables_say_how_many_requests_are_traced() -> None:
    chosen = os.environ | {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.0"}
    done = subprocess.run([sys.executable, "-c", SAMPLER], env=chosen, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "TraceIdRatioBased{0.0}"
