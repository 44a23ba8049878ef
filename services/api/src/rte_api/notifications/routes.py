"""HTTP for notifications."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import Response

from rte_api.dependencies import CurrentDatabase, CurrentMember, WritingMember
from rte_api.json_body import JsonRoute
from rte_api.notifications import service
from rte_api.notifications.schemas import NotificationPage, NotificationView, Unread
from rte_api.notifications.service import NotificationNotFound
from rte_api.parameters import Page
from rte_api.responses import json_response
from rte_common.problems import may_raise

router = APIRouter(prefix="/notifications", tags=["notifications"], route_class=JsonRoute)


class NotificationsQuery(Page):
    """Query of the list: which part a caller wants."""

    unread: bool | None = Field(None, description="`true`: only unread ones; `false`: only read ones")


@router.get("", operation_id="list_notifications", response_model=NotificationPage)
async def list_notifications(
    query: Annotated[NotificationsQuery, Query()], member: CurrentMember, database: CurrentDatabase
) -> Response:
    """List what the caller was told, newest first, with the number of unread ones."""
    return json_response(await service.page(database, member, query.limit, query.cursor, query.unread))


@router.post("/read", operation_id="mark_all_notifications_read", response_model=Unread)
async def mark_all_read(member: WritingMember, database: CurrentDatabase) -> Response:
    """Mark all notifications of the caller in the team as read."""
    return json_response(await service.mark_all_read(database, member))


@router.post(
    "/{notification_id}/read",
    operation_id="mark_notification_read",
    response_model=NotificationView,
    responses=may_raise(NotificationNotFound),
)
async def mark_read(notification_id: UUID, member: WritingMember, database: CurrentDatabase) -> Response:
    """Mark a notification of the caller as read; repeated, nothing changes."""
    return json_response(await service.mark_read(database, member, notification_id))
