"""The OpenAPI document is valid and true: whatever a generator makes of it, the api answers as documented."""

import asyncio
import re
import sys
from pathlib import Path

import httpx
import pytest
from openapi_spec_validator import validate

from .running import Api, Team

CONFIG = Path(__file__).parent / "schemathesis.toml"
EXAMPLES = re.compile(r"(\d+) generated")
LEAST_EXAMPLES = 700
"""Of each caller: 2,100 for the three."""


async def document(api: Api) -> dict[str, object]:
    async with httpx.AsyncClient(trust_env=False) as http:
        found: dict[str, object] = (await http.get(f"{api.url}/api/openapi.json")).json()
    return found


async def test_the_document_is_valid_and_each_call_has_a_name_examples_and_its_problems(api: Api) -> None:
    openapi = await document(api)
    validate(openapi)
    paths: dict[str, dict[str, dict[str, object]]] = openapi["paths"]  # type: ignore[assignment]
    operations = [operation for path in paths.values() for operation in path.values()]

    assert len({operation["operationId"] for operation in operations}) == len(operations) == 22
    for operation in operations:
        responses: dict[str, dict[str, object]] = operation["responses"]  # type: ignore[assignment]
        assert {"401", "403", "422", "429", "503"} <= set(responses)
        assert "`no-token`" in str(responses["401"]["description"])


@pytest.mark.timeout(300)
@pytest.mark.parametrize("caller", ["member", "admin", "stranger"])
async def test_the_api_answers_as_documented_whatever_is_asked(
    api: Api, team: Team, other_team: Team, caller: str, tmp_path: Path
) -> None:
    alex = await api.member(team, "alex")
    await alex.post("/expectations", json={"title": "there already"})
    who = {"member": (team, "maria"), "admin": (team, "alex"), "stranger": (other_team, "nora")}[caller]
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG)),
        *("run", f"{api.url}/api/openapi.json", "--no-color"),
        *("--header", f"Authorization: Bearer {api.token(*who, lifetime=3600)}"),
    ]
    process = await asyncio.create_subprocess_exec(
        *command, cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output = (await process.communicate())[0].decode()
    generated = EXAMPLES.search(output)

    assert process.returncode == 0, output
    assert generated is not None
    assert int(generated[1]) >= LEAST_EXAMPLES
