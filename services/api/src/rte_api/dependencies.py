"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from rte_api.wiring import Wiring
from rte_common.auth import Member
from rte_common.database import Database
from rte_common.problems import Problem


class ImpersonatedSession(Problem):
    """An impersonated session only reads"""

    type = "impersonated-session"


async def _wiring(request: Request) -> Wiring:
    wiring: Wiring = request.scope["state"]["wiring"]
    return wiring


async def _database(request: Request) -> Database:
    database: Database = request.scope["state"]["wiring"].database
    return database


async def _current_member(request: Request) -> Member:
    state = request.scope["state"]
    if "refusal" in state:
        raise state["refusal"]
    member: Member = state["member"]
    return member


async def _writing_member(request: Request) -> Member:
    member = await _current_member(request)
    if member.impersonator is not None:
        raise ImpersonatedSession("Sign in as yourself to change something")
    return member


CurrentWiring = Annotated[Wiring, Depends(_wiring)]
CurrentDatabase = Annotated[Database, Depends(_database)]
CurrentMember = Annotated[Member, Depends(_current_member)]
"""Whom the admission found; the OpenAPI document says how callers prove it."""
WritingMember = Annotated[Member, Depends(_writing_member)]
"""Who may change something: anybody but an impersonator."""
