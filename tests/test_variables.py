"""docs/variables.md and `.env.example` name every variable that is read; as `.env` the example sets nothing.

`.venv/bin/python tests/test_variables.py` writes docs/variables.md from the settings classes.
"""

import os
import re
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import pytest
from dotenv import dotenv_values
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings

from rte_api.settings import Settings as Api
from rte_auth_sync.settings import Settings as AuthSync
from rte_common.migrate import MigrationSettings
from rte_common.storage import StorageSettings
from rte_devstack.environment import take_env_file
from rte_jobs.settings import Settings as Jobs
from rte_realtime_gateway.settings import Settings as Gateway
from rte_web.settings import Settings as Web

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "variables.md"
EXAMPLE = ROOT / ".env.example"
WRITE = ".venv/bin/python tests/test_variables.py"
READERS: dict[str, type[BaseSettings]] = {
    "api": Api,
    "auth-sync": AuthSync,
    "realtime-gateway": Gateway,
    "jobs": Jobs,
    "web": Web,
    "migrate": MigrationSettings,
    "buckets": StorageSettings,
}
OF_MAKE = {"RTE_PORT", "RTE_STACK_DIR", "RTE_WEB_ORIGINS", "RTE_WEB_BUILD"}
VARIABLE = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)
HEAD = f"""# Variables

What each service reads from its environment. A value in a cell is the default, **required** has none, *optional* may be
left out, and an empty cell means that it is not read. A variable that is set to nothing counts as not set.

`migrate` and `buckets` are the commands `python -m rte_common.migrate` and `python -m rte_common.buckets`, which are in
every image of a Python service. The images set other defaults: {{image}}.
In deploy/compose some variables have the service's name in front: see deploy/compose/.env.example.

Written by `{WRITE}` from the `settings.py` of the services: change the descriptions there.
"""


def fields() -> dict[str, FieldInfo]:
    """Every variable with its first declaration: the required ones first, each part by name."""
    found: dict[str, FieldInfo] = {}
    for reader in READERS.values():
        for name, field in reader.model_fields.items():
            found.setdefault(name, field)
    return dict(sorted(found.items(), key=lambda item: (not item[1].is_required(), item[0])))


def cell(field: FieldInfo | None) -> str:
    """What a reader says of a variable."""
    if field is None:
        return ""
    if field.is_required():
        return "**required**"
    default = field.default
    if isinstance(default, tuple):
        default = ",".join(default)
    if isinstance(default, bool):
        default = str(default).lower()
    return "*optional*" if default in (None, "") else f"`{default}`"


def rows() -> Iterator[list[str]]:
    yield ["variable", *READERS, "meaning"]
    yield ["---"] * (len(READERS) + 2)
    for name, field in fields().items():
        cells = [cell(reader.model_fields.get(name)) for reader in READERS.values()]
        yield [f"`{name.upper()}`", *cells, (field.description or "").replace("|", "\\|")]


def page() -> str:
    """docs/variables.md as it should be."""
    dockerfile = (ROOT / "deploy" / "compose" / "Dockerfile").read_text()
    image = [
        f"`{name}={value}`" for name, value in re.findall(r"\b([A-Z_]+)=(\S+)", dockerfile) if name in of_process()
    ]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows())
    return f"{HEAD.format(image=', '.join(image))}\n{table}\n"


def of_process() -> set[str]:
    return {name.upper() for name in Api.model_fields}


def test_the_page_is_current() -> None:
    assert PAGE.read_text() == page(), f"write it anew: {WRITE}"


@pytest.mark.parametrize("name", fields())
def test_a_variable_says_what_it_means(name: str) -> None:
    assert fields()[name].description, f"give {name} a description in its settings class"


def test_the_example_names_exactly_what_is_read() -> None:
    assert {name for name, _ in VARIABLE.findall(EXAMPLE.read_text())} == {name.upper() for name in fields()} | OF_MAKE


def test_the_example_says_required_of_what_a_service_does_not_start_without() -> None:
    required = {
        name.upper() for reader in READERS.values() for name, f in reader.model_fields.items() if f.is_required()
    }

    said = {name for name, value in VARIABLE.findall(EXAMPLE.read_text()) if re.search(r"# required\b", value)}

    assert said == required


@pytest.mark.parametrize("reader", READERS.values(), ids=READERS)
def test_the_example_is_understood_when_uncommented(
    reader: type[BaseSettings], monkeypatch: pytest.MonkeyPatch
) -> None:
    uncommented = VARIABLE.sub(r"\1=\2", EXAMPLE.read_text())
    for name, value in dotenv_values(stream=StringIO(uncommented)).items():
        monkeypatch.setenv(name, value or "")

    assert reader()


def test_a_copy_of_the_example_sets_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_bytes(EXAMPLE.read_bytes())
    monkeypatch.setenv("RTE_ENV_FILE", str(tmp_path / ".env"))
    before = dict(os.environ)

    report = take_env_file()

    assert str(report) == ""
    assert dict(os.environ) == before


if __name__ == "__main__":
    PAGE.write_text(page())
