"""The gateway as a process of its own, and the changes that a test lets happen."""

import asyncio
import json
import os
import sysconfig
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt.algorithms import RSAAlgorithm
from nats.js import JetStreamContext
from prometheus_client.parser import text_string_to_metric_families

from rte_devstack.clerk.tokens import DEFAULT_ISSUER, DEFAULT_PARTY, ActiveOrganization, TokenSigner
from rte_devstack.program import Program, answers
from rte_realtime_gateway.broker.shared_positions import POSITIONS_STORE

TEAM = "org_harbour"
OTHER_TEAM = "org_desert"


class Gateway(Program):
    """One gateway; kill, stop and start as often as wanted: port and settings stay."""

    def __init__(
        self, *, port: int, metrics_port: int, nats_url: str, signer: TokenSigner, log: Path, **settings: str
    ) -> None:
        self.port = port
        self.metrics_url = f"http://127.0.0.1:{metrics_port}/metrics"
        environment = {
            "PATH": os.environ["PATH"],
            "APP_ENV": "test",
            "HOST": "127.0.0.1",
            "PORT": str(port),
            "METRICS_PORT": str(metrics_port),
            "NATS_URL": nats_url,
            "TEAM_MODE": "organizations",
            "CLERK_ISSUER": DEFAULT_ISSUER,
            "CLERK_JWT_KEY": public_key(signer),
            "CLERK_AUTHORIZED_PARTIES": DEFAULT_PARTY,
        }
        super().__init__(
            "realtime-gateway",
            [Path(sysconfig.get_path("scripts")) / "rte-realtime-gateway"],
            log=log,
            ready=answers(f"http://127.0.0.1:{port}/ready"),
            environment={**environment, **settings},
        )

    @property
    def url(self) -> str:
        """What takes the place of a Supabase project's realtime address."""
        return f"http://127.0.0.1:{self.port}/realtime/v1"

    def websocket_url(self, vsn: str = "2.0.0", **query: str) -> str:
        """Where a bare websocket client connects."""
        extra = "".join(f"&{name}={value}" for name, value in query.items())
        return f"ws://127.0.0.1:{self.port}/realtime/v1/websocket?apikey=anything&vsn={vsn}{extra}"

    async def metric(self, name: str, **labels: str) -> float:
        """The present value of a metric, 0 if it was never counted."""
        async with httpx.AsyncClient(trust_env=False) as http:
            text = (await http.get(self.metrics_url)).text
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                if sample.name == name and labels.items() <= sample.labels.items():
                    return float(sample.value)
        return 0

    async def until_metric(self, name: str, at_least: float, **labels: str) -> None:
        """Wait until the metric has grown to this value."""
        async with asyncio.timeout(20):
            while not await self._has_grown(name, at_least, **labels):
                await asyncio.sleep(0.02)

    async def _has_grown(self, name: str, at_least: float, **labels: str) -> bool:
        try:
            return await self.metric(name, **labels) >= at_least
        except httpx.ConnectError:
            return False  # the process is starting

    async def readiness(self) -> dict[str, Any]:
        """What GET /ready says."""
        async with httpx.AsyncClient(trust_env=False) as http:
            said: dict[str, Any] = (await http.get(f"http://127.0.0.1:{self.port}/ready")).json()
            return said


StartGateway = Callable[..., Gateway]


def public_key(signer: TokenSigner) -> str:
    """The signer's key as CLERK_JWT_KEY takes it."""
    (key,) = signer.jwks()["keys"]
    public = RSAAlgorithm.from_jwk(key)
    assert isinstance(public, RSAPublicKey)
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@dataclass
class Members:
    """Signs in whoever a test needs."""

    signer: TokenSigner

    def token(self, user: str, *, team: str = TEAM, role: str = "member", lifetime: float = 60, **claims: Any) -> str:
        """A session token of a team's member."""
        organization = ActiveOrganization(team, team, role)
        return self.signer.session_token(user, organization=organization, lifetime=lifetime, **claims)


def row(**values: Any) -> dict[str, Any]:
    """An expectation as the events carry it."""
    moment = datetime.now(UTC).isoformat()
    return {
        "id": str(uuid.uuid4()),
        "team_id": TEAM,
        "user_id": "user_alex",
        "title": "Finalize Q3 marketing report",
        "estimated_completion": "2030-01-02T17:00:00+00:00",
        "is_done": False,
        "done_at": None,
        "archived_at": None,
        "version": 1,
        "created_at": moment,
        "updated_at": moment,
        **values,
    }


VERBS = {"INSERT": "created", "UPDATE": "updated", "DELETE": "deleted"}


@dataclass
class Changes:
    """Publishes row changes as the outbox relay does."""

    jetstream: JetStreamContext

    async def until_had(self) -> None:
        """Wait until the gateways know together that a client has had the latest change."""
        latest = (await self.jetstream.stream_info("EVENTS")).state.last_seq
        async with asyncio.timeout(20):
            while max(await self._offsets(), default=0) < latest:
                await asyncio.sleep(0.02)

    async def _offsets(self) -> list[int]:
        stream = f"KV_{POSITIONS_STORE}"
        subjects = (await self.jetstream.stream_info(stream, subjects_filter=">")).state.subjects or {}
        told = [json.loads((await self.jetstream.get_last_msg(stream, subject)).data or b"{}") for subject in subjects]
        return [offset for clients in told for offsets in clients.values() for offset in offsets.values()]

    async def insert(self, **values: Any) -> dict[str, Any]:
        """A new expectation; returns its row."""
        record = row(**values)
        await self.publish("expectation", "INSERT", record, None)
        return record

    async def update(self, old: Mapping[str, Any], **values: Any) -> dict[str, Any]:
        """The expectation changed; returns its row."""
        record = {**old, "version": old["version"] + 1, "updated_at": datetime.now(UTC).isoformat(), **values}
        await self.publish("expectation", "UPDATE", record, dict(old))
        return record

    async def delete(self, old: Mapping[str, Any]) -> None:
        """The expectation was withdrawn."""
        await self.publish("expectation", "DELETE", None, dict(old))

    async def revoke(self, user_id: str, session_id: str) -> None:
        """A member's sign-in session ended."""
        record = {"session_id": session_id, "user_id": user_id, "created_at": datetime.now(UTC).isoformat()}
        await self.publish("session", "INSERT", record, None, table="session_revocations", verb="revoked")

    async def publish(
        self,
        entity: str,
        change: str,
        record: dict[str, Any] | None,
        old_record: dict[str, Any] | None,
        *,
        table: str | None = None,
        verb: str | None = None,
    ) -> int:
        """Any change of a published table; returns its sequence in the stream."""
        known = record or old_record or {}
        team_id, user_id = known.get("team_id", TEAM), known.get("user_id") or known["id"]
        verb = verb or VERBS[change]
        event = {
            "id": str(uuid.uuid4()),
            "type": f"{entity}.{verb}.v1",
            "occurred_at": datetime.now(UTC).isoformat(),
            "actor_id": user_id,
            "team_id": team_id,
            "user_id": user_id,
            "table": table or f"{entity}s",
            "change": change,
            "record": record,
            "old_record": old_record,
        }
        subject = f"rte.events.{entity}.{verb}.{team_id}.{user_id}"
        ack = await self.jetstream.publish(subject, json.dumps(event).encode(), headers={"Nats-Msg-Id": event["id"]})
        return ack.seq
