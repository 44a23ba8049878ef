"""What the operator sees: every number that issue and dashboards name, moved by what it counts."""

from rte_testkit.bare_client import bare
from rte_testkit.gateway import Changes, Gateway, Members


async def test_metrics_follow_what_happens(gateway: Gateway, members: Members, changes: Changes) -> None:
    async def now() -> dict[str, float]:
        named = {
            "sockets": ("rte_gateway_sockets", {}),
            "channels": ("rte_gateway_channels", {}),
            "joins": ("rte_gateway_joins_total", {"outcome": "ok"}),
            "refused": ("rte_gateway_joins_total", {"outcome": "refused"}),
            "changes": ("rte_gateway_deliveries_total", {"kind": "change"}),
            "delays": ("rte_gateway_delivery_delay_seconds_count", {}),
            "drops": ("rte_gateway_drops_total", {"reason": "bad_frame"}),
        }
        return {key: await gateway.metric(name, **labels) for key, (name, labels) in named.items()}

    before = await now()
    async with bare(gateway.websocket_url()) as client:
        await client.join(members.token("user_maria"))
        await client.say("phx_join", {}, topic="realtime:nowhere")
        await client.socket.send("{")
        for number in range(3):
            await changes.insert(title=str(number))
            await client.hear("postgres_changes")
        during = await now()
    grown = {key: during[key] - before[key] for key in before}
    assert grown == {"sockets": 1, "channels": 1, "joins": 1, "refused": 1, "changes": 3, "delays": 3, "drops": 1}
    assert await gateway.metric("rte_gateway_queue_bytes") == 0
    assert await gateway.metric("rte_gateway_feed_live") == 1
