"""Every process answers its operators, logs JSON with a request id, and ends cleanly on SIGTERM."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from rte_devstack.program import Program, answers
from rte_devstack.stack import SERVICES, Stack

StartService = Callable[..., tuple[Program, int, int]]


@pytest.fixture
def start_service(stack: Stack, tmp_path: Path, reserve_port: Callable[[], int]) -> StartService:
    """Call it for one more replica of a service of the running stack: the program, its port, its metrics port."""

    def start(name: str, **changed: str) -> tuple[Program, int, int]:
        port, metrics_port = reserve_port(), reserve_port()
        (tmp_path / "index.html").write_text('<script type="application/json" id="config">{}</script>')
        environment = {
            **os.environ,
            **stack.service_environment(name),
            "PORT": str(port),
            "METRICS_PORT": str(metrics_port),
            "WEB_CLIENT_FOLDER": str(tmp_path),
            **changed,
        }
        program = Program(
            name,
            [Path(sys.executable).with_name(f"rte-{name}")],
            log=tmp_path / f"{name}.log",
            ready=answers(f"http://127.0.0.1:{port}/ready"),
            environment=environment,
        )
        return program, port, metrics_port

    return start


@pytest.mark.parametrize("name", SERVICES)
def test_a_process_answers_its_operators_and_drains(name: str, start_service: StartService, tmp_path: Path) -> None:
    program, port, metrics_port = start_service(name, DRAIN_SECONDS="1")
    with program, httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as http:
        assert http.get("/health").status_code == 200
        # Some dependencies are not waited for before the process serves: they are reached a moment later.
        while set((ready := http.get("/ready").json())["checks"].values()) != {"ok"}:
            pass
        unknown = http.get("/no-such-page", headers={"x-request-id": "test-request-1"})
        metrics = httpx.get(f"http://127.0.0.1:{metrics_port}/metrics", trust_env=False).text

        program.ask_to_stop()
        while (draining := http.get("/ready")).status_code == 200:
            pass  # the signal is on its way
        still_served = http.get("/health").status_code
        program.finish()

    assert ready["status"] == "ready"
    assert draining.json()["status"] == "draining"
    assert still_served == 200
    assert program.exit_code == 0
    assert unknown.headers["x-request-id"] == "test-request-1"
    assert "process_cpu_seconds_total" in metrics
    lines = [json.loads(line) for line in (tmp_path / f"{name}.log").read_text().splitlines()]
    assert any(line.get("request_id") == "test-request-1" and line["service"] == name for line in lines)


@pytest.mark.parametrize("name", SERVICES)
def test_a_bad_setting_is_one_line_that_names_it(name: str, start_service: StartService, tmp_path: Path) -> None:
    program, _, _ = start_service(name, LOG_LEVEL="LOUD")
    program.launch()
    while program.running:
        pass

    written = (tmp_path / f"{name}.log").read_text().splitlines()
    assert program.exit_code == 2
    assert len(written) == 1
    assert "LOG_LEVEL" in written[0]


@pytest.mark.parametrize(
    ("name", "refused"),
    [("api", "CLERK_ISSUER"), ("realtime-gateway", "CLERK_ISSUER"), ("web", "CLERK_STAND_IN_URL")],
)
def test_production_refuses_the_stand_in(name: str, refused: str, start_service: StartService, tmp_path: Path) -> None:
    program, _, _ = start_service(name, APP_ENV="production")
    program.launch()
    while program.running:
        pass

    written = (tmp_path / f"{name}.log").read_text().splitlines()
    assert program.exit_code == 2
    assert len(written) == 1
    assert refused in written[0]
