"""Run the Clerk stand-in: `python -m rte_devstack.clerk`."""

import uvicorn

from rte_common import telemetry
from rte_common.process import load
from rte_devstack.clerk.app import create_app
from rte_devstack.clerk.settings import Settings


def main() -> None:
    """Serve until SIGTERM."""
    settings = load(Settings)
    telemetry.setup("clerk", settings)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
