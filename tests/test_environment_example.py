"""`.env.example` names every variable that a service reads, and no other; as `.env` it changes nothing."""

import os
import re
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic_settings import BaseSettings

from rte_api.settings import Settings as Api
from rte_auth_sync.settings import Settings as AuthSync
from rte_common.migrate import MigrationSettings
from rte_devstack.environment import take_env_file
from rte_jobs.settings import Settings as Jobs
from rte_realtime_gateway.settings import Settings as Gateway

EXAMPLE = Path(__file__).parents[1] / ".env.example"
SETTINGS: tuple[type[BaseSettings], ...] = (Api, AuthSync, Gateway, Jobs, MigrationSettings)
OF_MAKE = {"RTE_PORT", "RTE_STACK_DIR", "RTE_WEB_ORIGINS"}
VARIABLE = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)


def test_the_example_names_exactly_what_is_read() -> None:
    read = {name.upper() for settings in SETTINGS for name in settings.model_fields}

    assert {name for name, _ in VARIABLE.findall(EXAMPLE.read_text())} == read | OF_MAKE


def test_it_says_required_of_what_a_service_does_not_start_without() -> None:
    fields = (field for settings in SETTINGS for field in settings.model_fields.items())
    required = {name.upper() for name, field in fields if field.is_required()}

    said = {name for name, value in VARIABLE.findall(EXAMPLE.read_text()) if re.search(r"# required\b", value)}

    assert said == required


@pytest.mark.parametrize("settings", SETTINGS)
def test_uncommented_it_is_understood(settings: type[BaseSettings], monkeypatch: pytest.MonkeyPatch) -> None:
    uncommented = VARIABLE.sub(r"\1=\2", EXAMPLE.read_text())
    for name, value in dotenv_values(stream=StringIO(uncommented)).items():
        monkeypatch.setenv(name, value or "")

    assert settings()


def test_a_copy_of_it_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(EXAMPLE.read_bytes())
    monkeypatch.setenv("RTE_ENV_FILE", str(tmp_path / ".env"))
    before = dict(os.environ)

    report = take_env_file()

    assert str(report) == ""
    assert dict(os.environ) == before
