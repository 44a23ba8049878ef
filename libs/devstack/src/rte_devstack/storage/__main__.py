"""Run the Storage stand-in: `python -m rte_devstack.storage`."""

import uvicorn

from rte_common import telemetry
from rte_common.process import load
from rte_devstack.storage.app import create_app
from rte_devstack.storage.settings import Settings


def main() -> None:
    """Serve until SIGTERM."""
    settings = load(Settings)
    telemetry.setup("storage", settings)
    uvicorn.run(create_app(settings), host=settings.host, port=settings.port, log_config=None, access_log=False)


if __name__ == "__main__":
    main()
