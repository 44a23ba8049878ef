"""Prints the api's OpenAPI document, of which the web client's types are made.

.venv/bin/python -m rte_testkit.openapi_document >web/openapi.json
"""

import json
from typing import Any

from rte_api.main import create_app
from rte_api.settings import Settings


def document() -> dict[str, Any]:
    """The OpenAPI document of the api as it is here; nothing is connected."""
    settings = Settings.model_validate(
        {
            "database_url": "postgresql://localhost/rte",
            "clerk_issuer": "https://clerk.example.com",
            "clerk_authorized_parties": ["https://app.example.com"],
            "supabase_url": "https://project.supabase.co",
            "supabase_service_key": "unused",
            "nats_url": "nats://localhost",
        }
    )
    return create_app(settings).openapi()


if __name__ == "__main__":
    print(json.dumps(document()))
