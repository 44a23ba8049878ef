"""What requests find in `scope["state"]`, which is `request.state`."""

from typing import TypedDict

from rte_auth_sync.settings import Settings
from rte_common.jetstream import Broker


class State(TypedDict):
    """Parts of the running process, made once by the lifespan."""

    settings: Settings
    broker: Broker
