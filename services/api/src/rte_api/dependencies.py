"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Request

from rte_api.state import RequestState
from rte_common.auth import Member
from rte_common.database import Database
from rte_common.problems import Problem


class ImpersonatedSession(Problem):
    """An impersonated session only reads"""

    type = "impersonated-session"


async def _state(request: Request) -> RequestState:
    state: RequestState = request.scope["state"]
    return state


async def _database(request: Request) -> Database:
    return (await _state(request))["database"]


async def _current_member(request: Request) -> Member:
    return (await _state(request))["member"]


async def _writing_member(request: Request) -> Member:
    member = await _current_member(request)
    if member.impersonator is not None:
        raise ImpersonatedSession("Sign in as yourself to change something")
    return member


CurrentState = Annotated[RequestState, Depends(_state)]
CurrentDatabase = Annotated[Database, Depends(_database)]
CurrentMember = Annotated[Member, Depends(_current_member)]
"""Member who is asking, as the middleware found out; the OpenAPI document says how callers prove it."""
WritingMember = Annotated[Member, Depends(_writing_member)]
"""Member who is asking and may change something: anybody but an impersonator."""
