"""A port is found taken on either address of localhost, also by somebody who listens everywhere."""

import os
import socket

import pytest

from rte_devstack import ports


@pytest.mark.parametrize(
    ("family", "host", "dual"),
    [
        (socket.AF_INET, "127.0.0.1", False),
        (socket.AF_INET, "", False),
        (socket.AF_INET6, "::1", False),
        (socket.AF_INET6, "::", False),
        (socket.AF_INET6, "::", True),
    ],
)
def test_a_taken_port_is_found_with_its_holder(family: socket.AddressFamily, host: str, dual: bool) -> None:
    try:
        holder = socket.create_server((host, 0), family=family, dualstack_ipv6=dual)
    except OSError:
        pytest.skip("this machine has no IPv6")
    with holder:
        port = holder.getsockname()[1]
        problem = ports.obstacle(port)
    assert problem.startswith("is taken by ")
    assert f"(process {os.getpid()})" in problem
    assert ports.obstacle(port) == ""


def test_a_machine_without_ipv6_has_ports_too(monkeypatch: pytest.MonkeyPatch) -> None:
    # An address for documentation (RFC 3849), which no machine has: what `::1` is where IPv6 is turned off.
    monkeypatch.setattr(ports, "LOOPBACKS", (ports.LOOPBACKS[0], (socket.AF_INET6, "2001:db8::1")))
    with ports.reserved() as port:
        assert ports.obstacle(port) == ""


def test_no_port_of_a_stack_is_given_twice() -> None:
    assert len(set(ports.PORTS.values())) == len(ports.PORTS)
