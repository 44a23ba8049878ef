"""Named ends of a socket: close code and reason. Every client reconnects after each of them."""


class Closing:
    """The ends that the gateway chooses; `websockets` adds those of the protocol itself (1002, 1009)."""

    BAD_FRAMES = 1003, "too many frames that cannot be understood"
    BAD_TEXT = 1007, "text that is not UTF-8"
    BROKEN = 1011, "an error of ours: connect again"
    RESTART = 1012, "the server restarts: connect again"
    SLOW = 4001, "the client reads too slowly: connect again"
    IDLE = 4002, "no heartbeat"
    NO_CHANNEL = 4003, "no channel joined"
