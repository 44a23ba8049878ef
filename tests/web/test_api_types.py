"""What the web client takes for the api's answers is what the api says of them."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from rte_devstack.folder import REPOSITORY
from rte_testkit.openapi_document import document

WEB = REPOSITORY / "web"
GENERATOR = WEB / "node_modules" / "openapi-typescript" / "bin" / "cli.js"


@pytest.mark.skipif(not GENERATOR.exists(), reason="needs npm's packages in web")
def test_the_generated_types_are_those_of_this_api(tmp_path: Path) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(document()))
    node = shutil.which("node")
    assert node
    generated = tmp_path / "schema.d.ts"
    command = [node, str(GENERATOR), str(tmp_path / "openapi.json"), "-o", str(generated)]
    subprocess.run(command, check=True, capture_output=True, cwd=WEB)

    committed = (WEB / "src" / "api" / "schema.d.ts").read_text()
    assert committed == generated.read_text(), (
        "web/src/api/schema.d.ts is old: .venv/bin/python -m rte_testkit.openapi_document >web/openapi.json"
        " && (cd web && npm run api-types)"
    )
