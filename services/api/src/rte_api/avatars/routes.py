"""HTTP for avatars."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from rte_api.avatars.images import UnusableImage
from rte_api.avatars.service import Avatars, AvatarsState
from rte_api.dependencies import WritingMember
from rte_api.members.service import MemberNotYetKnown
from rte_api.responses import json_response
from rte_api.storage import StorageAway
from rte_common.problems import may_raise

router = APIRouter(prefix="/me/avatar", tags=["members"])
POSSIBLE = may_raise(UnusableImage, MemberNotYetKnown, StorageAway)
IMAGE: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "A JPEG, PNG, WebP or GIF of at most 5 MB and 40 megapixels; its content decides what it is",
        "content": {
            f"image/{kind}": {"schema": {"type": "string", "format": "binary"}}
            for kind in ("jpeg", "png", "webp", "gif")
        },
    }
}


class AvatarView(BaseModel):
    """The caller's picture."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "avatar_url": "https://project.supabase.co/storage/v1/object/public/avatars/"
                    "user_2DemoAlex0000000000000000000/0c6f9a4d8e1b2f3a4c5d6e7f/256.webp"
                }
            ]
        }
    )

    avatar_url: str = Field(description="A square of 256 pixels; 64.webp and 512.webp are beside it")


async def _avatars(request: Request) -> Avatars:
    state: AvatarsState = request.scope["state"]
    return state["avatars"]


CurrentAvatars = Annotated[Avatars, Depends(_avatars)]


@router.put("", operation_id="put_avatar", response_model=AvatarView, responses=POSSIBLE, openapi_extra=IMAGE)
async def put_avatar(request: Request, member: WritingMember, avatars: CurrentAvatars) -> Response:
    """Replace the caller's picture. It is cut square, turned upright and stripped of everything but its pixels."""
    return json_response({"avatar_url": await avatars.put(member, await request.body())})


@router.delete("", status_code=204, operation_id="delete_avatar", responses=may_raise(MemberNotYetKnown, StorageAway))
async def delete_avatar(member: WritingMember, avatars: CurrentAvatars) -> None:
    """Remove the caller's picture, so that the one at Clerk is shown again."""
    await avatars.remove(member)
