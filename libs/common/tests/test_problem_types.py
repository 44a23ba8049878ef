"""Every problem that any service answers is in the catalogue, from which its page and the API's reference come."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rte_common.problem_types import PROBLEM_TYPES, ProblemType
from rte_common.problems import SLUGS, Problem

ROOT = Path(__file__).parents[3]
SOURCES = [path for path in ROOT.glob("*/*/src/**/*.py") if not {"problem_types", "rte_devstack"} & set(path.parts)]
ANSWERS = {"answer": 1, "InvalidToken": 0}
"""Callables that are told a slug, and the place of it among their arguments."""


def name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def slugs_in(tree: ast.AST) -> Iterator[str]:
    """The slugs that a module answers, by the words of its source."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            place = ANSWERS.get(name_of(node.func), len(node.args))
            yield from strings(node.args[place : place + 1])
        elif isinstance(node, ast.ClassDef):
            bases = {name_of(base) for base in node.bases}
            if "Problem" in bases:
                yield from strings(one.value for one in node.body if isinstance(one, ast.Assign))
            if "InvalidToken" in bases:
                yield from strings(
                    call.args[0] for call in ast.walk(node) if isinstance(call, ast.Call) and len(call.args) == 2
                )


def strings(nodes: object) -> Iterator[str]:
    for node in nodes:  # type: ignore[attr-defined]
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def answered() -> set[str]:
    found = set(SLUGS.values())
    for path in SOURCES:
        found |= set(slugs_in(ast.parse(path.read_text())))
    return found


def test_what_the_source_answers_is_what_the_catalogue_describes() -> None:
    assert answered() == set(PROBLEM_TYPES)


def test_a_problem_without_its_words_cannot_even_be_declared() -> None:
    with pytest.raises(TypeError, match="describe the problem type 'brand-new'"):
        type("BrandNew", (Problem,), {"type": "brand-new"})


@pytest.mark.parametrize("kind", PROBLEM_TYPES.values(), ids=lambda kind: kind.slug)
def test_each_type_says_when_it_happens_and_what_to_do(kind: ProblemType) -> None:
    assert re.fullmatch("[a-z]+(-[a-z]+)*", kind.slug)
    assert 400 <= kind.status <= 503
    for sentence in (kind.when, kind.remedy):
        assert len(sentence.split()) >= 3
        assert sentence.endswith(".")
        assert sentence.count("`") % 2 == 0
    assert kind.example() | {"type": f"/problems/{kind.slug}", "status": kind.status} == kind.example()


def test_each_type_has_a_title_of_its_own() -> None:
    assert len({kind.title for kind in PROBLEM_TYPES.values()}) == len(PROBLEM_TYPES)
