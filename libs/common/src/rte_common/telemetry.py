"""What operators see of a process: JSON logs without personal data, request metrics, and traces."""

import logging
import re
import sys
import time
import uuid
from collections.abc import MutableMapping
from typing import Any

import orjson
import structlog
from fastapi.telemetry import TelemetryConfig
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.propagate import extract
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import Link, Span, SpanKind, StatusCode
from prometheus_client import Counter, Histogram
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rte_common import problems
from rte_common.scrubbing import SCRUBBED, SECRET_KEYS, scrub
from rte_common.settings import ProcessSettings

log = structlog.get_logger(__name__)

REQUEST_ID = re.compile(r"[\w.-]{8,64}")
MAX_ADDRESS = 8192
"""Characters of path and query that are taken: a websocket's token has 2,000."""
MAX_LOGGED_PATH = 256
QUIET_PATHS = frozenset({"/health", "/ready"})

REQUEST_SECONDS = Histogram(
    "rte_http_request_seconds",
    "Time from the request's head to the end of its answer",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
)
FRAMEWORK_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""FastAPI's own telemetry, switched off: RequestContext makes a request's one span, its metric and its log line."""
LOG_EVENTS = Counter("rte_log_events_total", "Log lines at warning and above", ["level"])


def setup(service: str, settings: ProcessSettings) -> None:
    """Make every log line of this process one JSON object on stdout, and export traces if told where to."""
    ours: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        structlog.processors.format_exc_info,
        _count,
        _scrub,
    ]
    # Past the standard library: its records cost as much again as the line itself.
    structlog.configure(
        processors=[*ours, structlog.processors.JSONRenderer(serializer=_json)],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[settings.log_level]),
        logger_factory=structlog.BytesLoggerFactory(sys.stdout.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *ours],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(serializer=lambda event, **_: _json(event).decode()),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    # Libraries speak only when something is wrong: their chatter names URLs with keys in them.
    for chatty in ("httpx", "httpcore", "nats", "uvicorn.access", "alembic", "hpack"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.contextvars.bind_contextvars(service=service)
    _trace(service, settings)


def _trace(service: str, settings: ProcessSettings) -> None:
    # Without an exporter spans only hand the trace's id on: nothing is recorded that nobody reads.
    endpoint = settings.otel_exporter_otlp_endpoint
    # None: what OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG say, or else everything.
    sampler = None if endpoint else ALWAYS_OFF
    provider = TracerProvider(sampler, Resource.create({SERVICE_NAME: service}))
    if endpoint:
        # Not at the top: it takes a tenth of the start, and most processes export nothing.
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=f"{endpoint}/v1/traces")
        provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)


def _json(event: Any, **_: Any) -> bytes:
    return orjson.dumps(event, default=str)


def _count(_: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    if method in ("warning", "error", "critical", "exception"):
        LOG_EVENTS.labels(method).inc()
    return event


def _scrub(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    for key, value in event.items():
        event[key] = SCRUBBED if SECRET_KEYS.search(key) else scrub(value)
    return event


def _origin(scope: Scope) -> tuple[str, list[Link]]:
    """The request's id, and the span of the caller that led to it."""
    links: list[Link] = []
    request_id = ""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            request_id = value.decode("latin-1")
        elif name == b"traceparent":
            caller = trace.get_current_span(extract({"traceparent": value.decode("latin-1")})).get_span_context()
            links = [Link(caller)] if caller.is_valid else []
    return (request_id if REQUEST_ID.fullmatch(request_id) else uuid.uuid4().hex), links


def _record_failure(error: Exception, span: Span) -> None:
    log.error("request_failed", exc_info=error)
    span.record_exception(error)
    span.set_status(StatusCode.ERROR)


class RequestContext:
    """ASGI middleware: a request id on every log line and answer, one access line, one metric, one span.

    What nobody caught ends here too: Starlette's own handler would stand outside, without the id. The id of a caller
    (`X-Request-Id`) is kept when it is harmless text. Query strings are never logged: they carry keys. The access line
    of /health and /ready is left out. A request begins a trace of its own and links to the caller's (`traceparent`):
    strangers do not decide whether it is recorded.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tracer = trace.get_tracer("rte")

    def _app_for(self, scope: Scope) -> ASGIApp:
        length = len(scope["raw_path"]) + len(scope["query_string"])
        if length <= MAX_ADDRESS:
            return self._app
        detail = f"The path and the query have {length} characters; {MAX_ADDRESS} are taken"
        scope["path"] = scope["path"][:MAX_LOGGED_PATH]  # which the answer names
        return problems.answer(Request(scope), "address-too-long", detail)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id, links = _origin(scope)
        status = 0
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", request_id.encode())]
            await send(message)

        with (
            structlog.contextvars.bound_contextvars(request_id=request_id),
            self._tracer.start_as_current_span(
                f"{scope['method']} {scope['path'][:MAX_LOGGED_PATH]}",
                context=Context(),
                links=links,
                kind=SpanKind.SERVER,
            ) as span,
        ):
            try:
                await self._app_for(scope)(scope, receive, send_with_id)
            except Exception as error:
                _record_failure(error, span)
                if not status:  # else the server ends the connection, because the answer stays unfinished
                    await problems.unexpected(Request(scope))(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - started
                status = status or 500  # nobody waits for the answer any longer
                route = getattr(scope.get("route"), "path", "unmatched")
                span.set_attribute("http.route", route)
                span.set_attribute("http.response.status_code", status)
                REQUEST_SECONDS.labels(scope["method"], route, status).observe(seconds)
                if scope["path"] not in QUIET_PATHS:
                    log.info(
                        "request_served",
                        method=scope["method"],
                        path=scope["path"][:MAX_LOGGED_PATH],
                        status=status,
                        milliseconds=round(seconds * 1000, 1),
                    )
