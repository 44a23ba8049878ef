"""The calls of Clerk's Backend API that we use: `/v1/*`, with the secret key."""

import secrets
from collections.abc import Callable
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Query

from rte_devstack.clerk.directory import Directory
from rte_devstack.clerk.errors import ClerkError
from rte_devstack.clerk.objects import JsonObject, primary_email
from rte_devstack.clerk.tokens import TokenSigner

Limit = Annotated[int, Query(ge=1, le=500)]
Offset = Annotated[int, Query(ge=0)]
Ids = Annotated[list[str] | None, Query(max_length=100)]

ORDERS = {"created_at", "updated_at"}


def router(directory: Directory, signer: TokenSigner, secret_key: str) -> APIRouter:
    """Make the routes; every one checks the secret key."""
    routes = APIRouter(prefix="/v1", dependencies=[Depends(_key_check(secret_key))])

    @routes.get("/jwks")
    async def jwks() -> JsonObject:
        return signer.jwks()

    @routes.get("/users")
    async def users(
        limit: Limit = 10,
        offset: Offset = 0,
        order_by: str = "-created_at",
        starting_after: str | None = None,
        user_id: Ids = None,
        email_address: Ids = None,
    ) -> list[JsonObject]:
        found = _ordered(_filtered(directory, user_id, email_address), order_by)
        if starting_after is None:
            return found[offset : offset + limit]
        return _after(found, starting_after, limit, order_by, offset)

    @routes.get("/users/count")
    async def count(user_id: Ids = None, email_address: Ids = None) -> JsonObject:
        return {"object": "total_count", "total_count": len(_filtered(directory, user_id, email_address))}

    @routes.get("/users/{id}")
    async def user(id: str) -> JsonObject:
        return directory.user(id)

    @routes.get("/organizations")
    async def organizations(
        limit: Limit = 10, offset: Offset = 0, order_by: str = "-created_at", include_members_count: bool = False
    ) -> JsonObject:
        found = _ordered(list(map(directory.organization, directory.organizations)), order_by)
        if not include_members_count:
            found = [{key: value for key, value in each.items() if key != "members_count"} for each in found]
        return {"data": found[offset : offset + limit], "total_count": len(found)}

    @routes.get("/organization_memberships")
    async def memberships(limit: Limit = 10, offset: Offset = 0, order_by: str = "-created_at") -> JsonObject:
        found = _ordered(list(directory.memberships.values()), order_by)
        page = [directory.membership_view(each) for each in found[offset : offset + limit]]
        return {"data": page, "total_count": len(found)}

    return routes


def _key_check(secret_key: str) -> Callable[[str | None], None]:
    def check(authorization: Annotated[str | None, Header()] = None) -> None:
        scheme, _, key = (authorization or "").partition(" ")
        if scheme.lower() != "bearer":
            raise ClerkError(401, "authorization_header_format_invalid", "Invalid Authorization header format.")
        if not secrets.compare_digest(key.encode(), secret_key.encode()):
            raise ClerkError(401, "clerk_key_invalid", "The provided Clerk Secret Key is invalid.")

    return check


def _filtered(directory: Directory, ids: list[str] | None, emails: list[str] | None) -> list[JsonObject]:
    found = list(directory.users.values())
    if ids is not None:
        found = [user for user in found if user["id"] in ids]
    if emails is not None:
        found = [user for user in found if primary_email(user) in emails]
    return found


def _ordered(found: list[JsonObject], order_by: str) -> list[JsonObject]:
    # "+created_at" arrives as " created_at" from clients that do not escape the plus.
    column = order_by.lstrip("+- ")
    if column not in ORDERS:
        raise ClerkError(422, "form_param_value_invalid", f"order_by cannot be {order_by!r}.")
    return sorted(found, key=lambda each: (each[column], each["id"]), reverse=order_by.startswith("-"))


def _after(found: list[JsonObject], last: str, limit: int, order_by: str, offset: int) -> list[JsonObject]:
    if offset or not order_by.endswith("created_at"):
        raise ClerkError(422, "form_param_value_invalid", "starting_after wants order_by=created_at and no offset.")
    position = next((index for index, each in enumerate(found) if each["id"] == last), None)
    if position is None:
        raise ClerkError(422, "form_param_value_invalid", f"starting_after names no user: {last}.")
    return found[position + 1 : position + 1 + limit]
