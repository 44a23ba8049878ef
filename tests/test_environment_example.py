"""`.env.example` names every variable that a service reads, and no other."""

import re
from pathlib import Path

from rte_api.settings import Settings as Api
from rte_auth_sync.settings import Settings as AuthSync
from rte_common.migrate import MigrationSettings
from rte_jobs.settings import Settings as Jobs
from rte_realtime_gateway.settings import Settings as Gateway

EXAMPLE = Path(__file__).parents[1] / ".env.example"


def test_the_example_names_exactly_what_the_services_read() -> None:
    read = {
        name.upper() for settings in (Api, AuthSync, Gateway, Jobs, MigrationSettings) for name in settings.model_fields
    }

    named = set(re.findall(r"^#?([A-Z_]+)=", EXAMPLE.read_text(), re.MULTILINE))

    assert named == read
