"""What the caller's environment changes about a stack."""

import os
import re
from pathlib import Path

import pytest

from rte_devstack.folder import Folder, ProcessMark, State
from rte_devstack.program import Program, ProgramFailed
from rte_devstack.stack import STAND_IN_ISSUER, Stack
from rte_devstack.terminal import show
from rte_devstack.web_client import WebClient

OWN = ["http://localhost:8300", "http://127.0.0.1:8300"]


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """A stack that is not started, in an environment that says nothing about it."""
    for name in ("CLERK_ISSUER", "CLERK_AUTHORIZED_PARTIES", "TEAM_MODE", "RTE_WEB_ORIGINS", "RTE_WEB_BUILD", "DEMO"):
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
        next(stack.steps())


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
        titles(stack)


@pytest.fixture
def client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WebClient:
    """A web client without sources, in the place of the checkout's."""
    client = WebClient(tmp_path / "web")
    client.folder.mkdir()
    monkeypatch.setattr(Stack, "web_client", client)
    return client


def build_before(client: WebClient) -> None:
    """What an earlier build has made."""
    client.built.mkdir()
    (client.built / "index.html").touch()


def test_without_a_web_client_all_else_starts_and_the_stack_says_why(stack: Stack, client: WebClient) -> None:
    first, *others = stack.steps()

    assert first.title == "building the web client"
    assert first.then
    assert first.then() == f"the web client is left out: there is no {client.folder}/package-lock.json"
    programs = [program.name for step in others for program in step.programs]
    assert "api" in programs
    assert "web" not in programs


def test_an_earlier_build_is_better_than_none(stack: Stack, client: WebClient) -> None:
    build_before(client)

    note = stack.build_web_client()

    assert note
    assert note.startswith("the web client is one that was built before: there is no ")
    assert told(stack, "web", "WEB_CLIENT_FOLDER") == str(client.built)
    assert told(stack, "traefik", "RTE_WEB_URL") == stack.url("web")


def test_it_is_built_unless_told_otherwise(stack: Stack, client: WebClient, monkeypatch: pytest.MonkeyPatch) -> None:
    build_before(client)
    assert "building the web client" in titles(stack)
    monkeypatch.setenv("RTE_WEB_BUILD", "no")
    assert "building the web client" not in titles(stack)


def test_what_the_first_step_has_built_is_served_by_the_later_ones(stack: Stack, client: WebClient) -> None:
    steps = stack.steps()
    assert next(steps).title == "building the web client"
    build_before(client)

    assert "web" in [program.name for step in steps for program in step.programs]


def test_the_web_client_signs_in_where_the_stack_does(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    assert stack.sign_in == {"clerk_publishable_key": None, "stand_in_url": "http://localhost:8305"}

    monkeypatch.setenv("CLERK_ISSUER", "https://clerk.example.com")
    monkeypatch.setenv("CLERK_PUBLISHABLE_KEY", "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k")
    assert stack.sign_in == {"clerk_publishable_key": "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k", "stand_in_url": None}


def test_the_last_line_is_the_address_to_open(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    marks = {"api": ProcessMark.of(os.getpid())}
    show(stack, State(ProcessMark.of(os.getpid()), 8300, programs=marks, parts=["api", "web"]))
    with_web = capsys.readouterr().out
    note = "the web client is left out: there is no Node"
    show(stack, State(ProcessMark.of(os.getpid()), 8300, programs=marks, parts=["api"], notes=[note]))
    without = capsys.readouterr().out

    assert with_web.splitlines()[-1] == "open     http://localhost:8300"
    assert re.search(r"^web +down", with_web, re.MULTILINE)
    assert without.splitlines()[-1] == "open     http://localhost:8300 (the API's documentation)"
    assert note in without.splitlines()
    assert not re.search(r"^web ", without, re.MULTILINE)
