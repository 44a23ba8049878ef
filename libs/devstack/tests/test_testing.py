"""The pytest plugin keeps its promises to the tests of all members."""

import socket
from collections.abc import Callable

import nats
import pytest

from rte_devstack.nats import Nats
from rte_devstack.postgres import psql
from rte_devstack.testing import ROLES, Broker, Database


async def test_a_private_nats_keeps_its_messages_over_a_kill(private_nats: Callable[[], Nats]) -> None:
    server = private_nats()
    client = await nats.connect(server.url)
    await client.jetstream().add_stream(name="KEPT", subjects=["kept"])
    await client.jetstream().publish("kept", b"1")
    await client.close()
    server.kill()
    server.start()
    client = await nats.connect(server.url)
    assert (await client.jetstream().stream_info("KEPT")).state.messages == 1
    await client.close()


@pytest.mark.parametrize("turn", [1, 2])
async def test_streams_are_empty_at_the_start_of_each_test(nats_server: Broker, turn: int) -> None:
    client = await nats.connect(nats_server.url)
    await client.jetstream().add_stream(name="ANY", subjects=["any"])
    assert (await client.jetstream().stream_info("ANY")).state.messages == 0
    await client.jetstream().publish("any", b"1")
    await client.close()


def test_a_reserved_port_is_free_for_who_names_it_and_given_to_nobody_else(reserve_port: Callable[[], int]) -> None:
    port = reserve_port()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", port))
        server.listen()
    others = [reserve_port() for _ in range(50)]
    assert port not in others


def test_an_empty_database_has_no_tables(empty_database: str) -> None:
    assert psql(empty_database, "select count(*) from pg_tables where schemaname = 'public'") == "0"


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_with_the_rows_of_the_migrations(postgres: Database, turn: int) -> None:
    assert postgres.execute("select count(*), (select count(*) from outbox) from teams") == "1|0"
    postgres.execute("insert into teams (id, name) values ('other', 'Another team'); update teams set name = 'Changed'")
    postgres.execute("insert into users (id, name) values ('someone', 'Someone')")


@pytest.mark.parametrize("role", ROLES)
def test_each_service_logs_in_under_its_role(postgres: Database, role: str) -> None:
    assert psql(postgres.url(role), "select current_user") == role
