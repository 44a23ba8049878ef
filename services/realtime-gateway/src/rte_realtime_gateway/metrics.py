"""What the gateway counts. Names end up in dashboards and alerts: they do not change."""

from prometheus_client import Counter, Gauge, Histogram

SOCKETS = Gauge("rte_gateway_sockets", "Open websockets")
CHANNELS = Gauge("rte_gateway_channels", "Joined channels")
JOINS = Counter("rte_gateway_joins_total", "Joins, by how they ended", ["outcome"])
DELIVERIES = Counter("rte_gateway_deliveries_total", "Frames written, one for each receiver", ["kind"])
DELIVERY_SECONDS = Histogram(
    "rte_gateway_delivery_delay_seconds",
    "From a change's commit to its write to the sockets",
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
QUEUE_BYTES = Gauge("rte_gateway_queue_bytes", "Bytes that wait for readers slower than the changes")
DROPS = Counter("rte_gateway_drops_total", "Frames, messages or sockets given up, by reason", ["reason"])
RESUMES = Counter("rte_gateway_replays_total", "Returning channels, by whether nothing was missed", ["outcome"])
FEED_LIVE = Gauge("rte_gateway_feed_live", "1 while changes arrive from the broker")
FEED_RESTARTS = Counter("rte_gateway_feed_restarts_total", "Consumers made again after a loss", ["stream", "reason"])
POSITIONS = Counter("rte_gateway_positions_total", "Positions of resumable clients, shared with the peers")
SLOWED = Counter("rte_gateway_slowed_total", "Times a client was read from more slowly because it sent too much")
TASKS = Gauge("rte_gateway_tasks", "Running asyncio tasks, which do not grow with the sockets")
