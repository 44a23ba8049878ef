"""How the process is put together."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from rte_api import docs, openapi, problem_pages
from rte_api.authentication import Authentication
from rte_api.avatars import routes as avatar_routes
from rte_api.avatars.service import Avatars, AvatarsState
from rte_api.cache import TeamCache
from rte_api.expectations import routes as expectation_routes
from rte_api.expectations.fallback import Fallback, FallbackState
from rte_api.exports import routes as export_routes
from rte_api.limits import RateLimits
from rte_api.members import routes as member_routes
from rte_api.middleware import ApiMiddleware
from rte_api.notifications import routes as notification_routes
from rte_api.reports import routes as report_routes
from rte_api.settings import Settings
from rte_api.state import State
from rte_common import database, jetstream, outbox, problems, process, storage
from rte_common.auth import TokenVerifier
from rte_common.process import Health, background
from rte_common.telemetry import FRAMEWORK_TELEMETRY, RequestContext

STORAGE_SECONDS = 5
REQUEST_HEADERS = (
    *("authorization", "content-type", "if-match", "if-none-match", "idempotency-key", "x-request-id"),
    *("traceparent", "tracestate", "baggage", "sentry-trace"),  # added by tracing in browsers
    *("apikey", "x-client-info"),  # added by Supabase's clients
)
"""Request headers that pages of other origins may send."""
RESPONSE_HEADERS = (
    *("etag", "location", "retry-after", "ratelimit", "ratelimit-policy", "x-request-id"),
    *("idempotency-replayed", "www-authenticate", "allow"),
    "date",  # countdowns go by the server's clock
)
"""Response headers that pages of other origins may read."""


class ApiState(State, FallbackState, AvatarsState):
    """State of the api, with what its features add."""


def create_app(settings: Settings) -> FastAPI:
    """The api; its parts are connected while the lifespan runs."""
    # Without the database the fallback is served, and without NATS everything is: both are forgiven.
    health = Health(required=frozenset({"clerk"}))

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[ApiState]:
        async with (
            httpx.AsyncClient() as http,
            database.connect(settings, application_name="api") as db,
            jetstream.connect(settings, name="api") as broker,
            storage.connect(settings, timeout_seconds=STORAGE_SECONDS) as files,
        ):
            verifier = TokenVerifier(settings, http)
            cache = TeamCache(broker)
            fallback = Fallback(db, broker, settings.nats_replicas)

            def team_changed(team_id: str) -> None:
                cache.expire(team_id)
                fallback.schedule(team_id)

            health.checks = {"database": db.check, "nats": broker.check, "clerk": verifier.check, "cache": cache.check}
            async with background(verifier.run(), outbox.run(db, broker), cache.run(), fallback.run()):
                yield ApiState(
                    settings=settings,
                    database=db,
                    authentication=Authentication(settings, verifier),
                    limits=RateLimits(settings.rate_limit_requests_per_minute, settings.rate_limit_writes_per_minute),
                    cache=cache,
                    storage=files,
                    team_changed=team_changed,
                    fallback=fallback,
                    avatars=Avatars(db, files, settings.storage_url),
                )

    app = FastAPI(
        title="Remote Teams Expectations",
        version="1",
        lifespan=lifespan,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry=FRAMEWORK_TELEMETRY,
    )
    health.install(app)
    problems.install(app)
    # Straight into the app, most wanted first: FastAPI walks through each router on the way, for every request.
    for routes in (
        *(expectation_routes, member_routes, notification_routes),
        *(avatar_routes, export_routes, report_routes),
    ):
        app.include_router(routes.router, prefix="/api/v1")
    for router in (docs.router, problem_pages.router):
        app.include_router(router)
    openapi.install(app)
    app.add_middleware(ApiMiddleware, settings)
    app.add_middleware(RequestContext)
    # Outermost, so that pages may also read the answer to what went wrong.
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.cors_origins or settings.clerk_authorized_parties,
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=REQUEST_HEADERS,
        expose_headers=RESPONSE_HEADERS,
        allow_credentials=True,
        max_age=600,
    )
    return app


def main() -> None:
    """Entry point of `rte-api`."""
    process.run("api", Settings, create_app)
