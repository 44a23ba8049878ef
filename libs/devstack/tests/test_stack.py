"""What the caller's environment changes about a stack."""

from pathlib import Path

import pytest

from rte_devstack.folder import Folder
from rte_devstack.program import Program, ProgramFailed
from rte_devstack.stack import STAND_IN_ISSUER, Stack

OWN = ["http://localhost:8300", "http://127.0.0.1:8300"]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that is not started, in an environment that says nothing about it."""
    for name in ("CLERK_ISSUER", "CLERK_AUTHORIZED_PARTIES", "TEAM_MODE", "RTE_WEB_ORIGINS", "DEMO"):
        monkeypatch.delenv(name, raising=False)
    return Stack(Folder(tmp_path), 8300)


def told(stack: Stack, program: str, variable: str) -> str | None:
    programs: dict[str, Program] = {each.name: each for step in stack.steps() for each in step.programs}
    return (programs[program].environment or {}).get(variable)


def titles(stack: Stack) -> list[str]:
    return [step.title for step in stack.steps()]


def test_services_and_stand_in_let_the_same_pages_in(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    by_default = {told(stack, name, "CLERK_AUTHORIZED_PARTIES") for name in ("api", "realtime-gateway", "clerk")}
    monkeypatch.setenv("RTE_WEB_ORIGINS", "http://localhost:3000/, https://my.test")
    chosen = {told(stack, name, "CLERK_AUTHORIZED_PARTIES") for name in ("api", "realtime-gateway", "clerk")}

    vite = [f"http://{host}:{port}" for port in (5173, 4173) for host in ("localhost", "127.0.0.1")]
    assert by_default == {",".join([*OWN, *vite])}
    assert chosen == {",".join([*OWN, "http://localhost:3000", "https://my.test"])}


def test_a_bad_origin_stops_the_start(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RTE_WEB_ORIGINS", "localhost:3000")

    with pytest.raises(ProgramFailed, match="RTE_WEB_ORIGINS has 'localhost:3000'"):
        stack.steps()


def test_what_is_set_to_nothing_counts_as_not_set(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_is = titles(stack)
    for name in ("CLERK_ISSUER", "CLERK_AUTHORIZED_PARTIES", "TEAM_MODE", "RTE_WEB_ORIGINS"):
        monkeypatch.setenv(name, "")

    assert titles(stack) == as_it_is
    assert told(stack, "api", "CLERK_ISSUER") == STAND_IN_ISSUER


@pytest.mark.parametrize(("issuer", "filled"), [(STAND_IN_ISSUER, True), ("https://clerk.example.com", False)])
def test_the_demo_team_is_filled_in_unless_another_clerk_signs_people_in(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, issuer: str, filled: bool
) -> None:
    monkeypatch.setenv("CLERK_ISSUER", issuer)

    assert ("filling in the demo team" in titles(stack)) is filled


@pytest.mark.parametrize(("demo", "live"), [("live", True), ("", False)])
def test_colleagues_act_when_that_is_asked_for(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, demo: str, live: bool
) -> None:
    monkeypatch.setenv("DEMO", demo)

    assert ("setting the demo team to work" in titles(stack)) is live


def test_another_wish_for_the_demo_stops_the_start(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEMO", "alive")

    with pytest.raises(ProgramFailed, match="DEMO is 'alive', but must be live"):
        stack.steps()
