"""The Clerk stand-in as one application."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware

from rte_devstack.clerk import avatars, backend, control, errors, members, sign_in
from rte_devstack.clerk.directory import Directory
from rte_devstack.clerk.settings import Settings
from rte_devstack.clerk.tokens import TokenSigner
from rte_devstack.clerk.webhooks import Deliveries


def create_app(settings: Settings) -> FastAPI:
    """Build the stand-in. In-process users find `signer`, `directory` and `deliveries` in `app.state`."""
    url = str(settings.webhook_url) if settings.webhook_url else None
    deliveries = Deliveries(settings.state_dir, url, settings.clerk_webhook_secret, settings.retry_scale)
    directory = Directory(settings.state_dir, deliveries.publish, settings.avatar_of)
    signer = TokenSigner(settings.state_dir, issuer=settings.issuer, authorized_party=settings.authorized_party)
    directory.renew_avatars()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with deliveries.running():
            yield

    app = FastAPI(title="Clerk stand-in", lifespan=lifespan)
    app.state.deliveries, app.state.directory, app.state.signer = deliveries, directory, signer
    app.add_middleware(
        CORSMiddleware,
        allow_origins=settings.clerk_authorized_parties,
        allow_methods=["*"],
        allow_headers=["*"],
        allow_credentials=True,  # Clerk's own script sends its cookies along
    )
    errors.install(app)

    @app.get("/.well-known/jwks.json")
    async def jwks() -> dict[str, Any]:
        return signer.jwks()

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "alive"}

    app.include_router(avatars.router(directory))
    app.include_router(members.router(directory, settings))
    app.include_router(control.router(directory, signer, deliveries, settings))
    app.include_router(sign_in.router(directory, signer, settings))
    # Last: its check of the secret key must not stand before the Frontend API call under /v1/client.
    app.include_router(backend.router(directory, signer, settings.clerk_secret_key))
    return app
