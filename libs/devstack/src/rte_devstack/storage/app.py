"""The Storage stand-in as one application."""

from dataclasses import replace

from fastapi import FastAPI
from starlette.responses import Response

from rte_devstack.storage import buckets, changes, downloads, errors, listing, signing, uploads
from rte_devstack.storage.access import Access
from rte_devstack.storage.errors import StorageResponse
from rte_devstack.storage.settings import Settings
from rte_devstack.storage.store import Bucket, Store

PREFIX = "/storage/v1"
FIRST_BUCKETS = (
    Bucket("avatars", public=True, file_size_limit=2_097_152, allowed_mime_types=["image/png", "image/webp"]),
    Bucket("exports"),
)
"""There from the start, as in the project that the recorded answers come from."""


def create_app(settings: Settings) -> FastAPI:
    """Build the stand-in."""
    store = Store(settings.state_dir)
    access = Access(settings)
    for bucket in FIRST_BUCKETS:
        if bucket.id not in store.buckets:
            store.save_bucket(replace(bucket))  # each stand-in's own: requests change it

    app = FastAPI(title="Supabase Storage stand-in", default_response_class=StorageResponse, redirect_slashes=False)
    errors.install(app)

    @app.get(f"{PREFIX}/status")
    async def status() -> Response:
        return Response()

    # The order matters: uploads and downloads end in routes that take every path.
    for routes in (
        buckets.router(store, access),
        listing.router(store, access),
        signing.router(store, access, settings.upload_signed_url_expiration_time),
        changes.router(store, access),
        uploads.router(store, access, settings.file_size_limit),
        downloads.router(store, access),
    ):
        app.include_router(routes, prefix=PREFIX)
    return app
