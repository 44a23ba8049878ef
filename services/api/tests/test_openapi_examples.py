"""Every example of the OpenAPI document is what its schema says, and every call shows its success and its errors."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from .running import PROBLEM, Api

Json = dict[str, Any]


@pytest.fixture
async def openapi(api: Api) -> Json:
    async with httpx.AsyncClient(trust_env=False) as http:
        document: Json = (await http.get(f"{api.url}/api/openapi.json")).json()
    resolved: Json = resolve(document, document["components"]["examples"])
    return resolved


def resolve(node: Any, shared: Json) -> Any:
    """The node with the shared examples in place of the references to them."""
    if isinstance(node, list):
        return [resolve(item, shared) for item in node]
    if not isinstance(node, dict):
        return node
    place, _, name = str(node.get("$ref")).rpartition("/")
    return shared[name] if place == "#/components/examples" else {key: resolve(node[key], shared) for key in node}


def operations(openapi: Json) -> Iterator[tuple[str, Json]]:
    for path, methods in openapi["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def shown(node: Json) -> Iterator[Any]:
    """The examples beside a schema."""
    if "example" in node:
        yield node["example"]
    for example in node.get("examples", {}).values():
        yield example["value"]


def examples(node: Any, where: str = "") -> Iterator[tuple[str, Json, Any]]:
    """Every example below `node`, with the schema that it must fit."""
    if isinstance(node, list):
        for number, item in enumerate(node):
            yield from examples(item, f"{where}/{number}")
    if not isinstance(node, dict):
        return
    if isinstance(node.get("examples"), list):
        yield from ((where, node, example) for example in node["examples"])
    if isinstance(node.get("schema"), dict):
        yield from ((where, node["schema"], example) for example in shown(node))
    for name, value in node.items():
        if name not in ("example", "examples"):
            yield from examples(value, f"{where}/{name}")


async def test_every_example_fits_its_schema(openapi: Json) -> None:
    found = list(examples(openapi))
    wrong = {}
    for where, schema, example in found:
        validator = Draft202012Validator(
            schema | {"components": openapi["components"]}, format_checker=Draft202012Validator.FORMAT_CHECKER
        )
        if errors := [error.message for error in validator.iter_errors(example)]:
            wrong[where] = errors

    assert len(found) > 300
    assert wrong == {}


async def test_every_call_shows_its_success_and_each_of_its_errors(openapi: Json) -> None:
    without = []
    for call, operation in operations(openapi):
        contents = {"body": operation.get("requestBody", {}).get("content", {})}
        contents |= {status: response.get("content", {}) for status, response in operation["responses"].items()}
        assert {"401", "403", "422", "429", "500", "503"} <= set(contents)
        without += [
            f"{call} {where}"
            for where, content in contents.items()
            for kind in content
            if kind in ("application/json", PROBLEM) and not list(shown(content[kind]))
        ]
        errors = [(status, example) for status in contents for example in shown(contents[status].get(PROBLEM, {}))]
        assert all(int(status) == example["status"] for status, example in errors)

    assert without == []


async def test_summaries_say_in_a_list_what_each_call_does_and_generators_find_names(openapi: Json) -> None:
    listed = dict(operations(openapi))
    summaries = [operation["summary"] for operation in listed.values()]
    names = [operation["operationId"] for operation in listed.values()]
    tags = {tag["name"] for tag in openapi["tags"]}

    assert len(set(summaries)) == len(set(names)) == len(listed) == 22
    assert all(len(summary.split()) >= 3 and not summary.endswith(".") for summary in summaries)
    assert "null" not in str([operation.get("parameters") for operation in listed.values()])
    assert "Successful Response" not in str(openapi)
    assert all(name.isidentifier() and name == name.lower() for name in names)
    assert {tag for operation in listed.values() for tag in operation["tags"]} == tags


@pytest.mark.parametrize(
    "word",
    [
        "make token",
        "getToken()",
        "If-None-Match",
        "Idempotency-Key",
        "RateLimit",
        "next_cursor",
        "/problems",
        "RFC 3339",
    ],
)
async def test_the_introduction_tells_what_a_newcomer_needs(openapi: Json, word: str) -> None:
    assert word in openapi["info"]["description"]
