"""What a route may ask for."""

from typing import Annotated

from fastapi import Depends, Request, Security
from fastapi.security import APIKeyCookie, HTTPBearer

from rte_api.wiring import wiring
from rte_common.auth import Member
from rte_common.database import Database
from rte_common.problems import Problem

BEARER = HTTPBearer(auto_error=False, bearerFormat="JWT", description="Clerk session token")
COOKIE = APIKeyCookie(name="__session", auto_error=False, description="Clerk's cookie, from an allowed origin")


class ImpersonatedSession(Problem):
    """An impersonated session only reads"""

    type = "impersonated-session"
    status = 403


async def _current_member(request: Request) -> Member:
    return await wiring(request).authentication.member(request.method, request.headers)


async def _writing_member(request: Request) -> Member:
    member = await _current_member(request)
    if member.impersonator is not None:
        raise ImpersonatedSession("Sign in as yourself to change something")
    return member


async def _database(request: Request) -> Database:
    return wiring(request).database


CurrentMember = Annotated[Member, Depends(_current_member)]
WritingMember = Annotated[Member, Depends(_writing_member)]
"""Who may change something: anybody but an impersonator."""
CurrentDatabase = Annotated[Database, Depends(_database)]

SECURITY = [Security(BEARER), Security(COOKIE)]
"""How callers prove who they are, for the documentation; CurrentMember checks it."""
