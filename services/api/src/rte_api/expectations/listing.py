"""Lists of expectations: each kind with its order, which an index of the table has."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
from pydantic import Field

from rte_api import pagination
from rte_api.expectations.schemas import Status
from rte_api.parameters import MemberId, Page, QueryInstant
from rte_common.auth import Member
from rte_common.database import Database

LIST = "rte.list_expectations($1, $2, $3, $4, $5, $6, $7, $8)"
EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
BEFORE_ALL: pagination.Position = EVER[1], UUID(int=2**128 - 1)


class ListQuery(Page):
    """Query of a list of expectations: which ones a caller wants."""

    status: Status = Field(
        Status.ACTIVE, description="Which ones: the current, the finished, those finished long ago, or all"
    )
    user_id: MemberId | None = Field(
        None, description="Only those of this member; `me` is the caller", examples=["me", "user_2DemoAlex"]
    )
    from_: QueryInstant | None = Field(
        None, alias="from", description="Done (else created) at or after", examples=["2030-01-01T00:00:00Z"]
    )
    to: QueryInstant | None = Field(
        None, description="Done (else created) before", examples=["2030-02-01T00:00:00+01:00"]
    )

    @property
    def time(self) -> str:
        """The column that orders the list, newest first, and that the period is about."""
        return "done_at" if self.status in (Status.COMPLETED, Status.ARCHIVED) else "created_at"


async def page(database: Database, member: Member, query: ListQuery) -> dict[str, Any]:
    """A page of the team's expectations, for orjson to write: the database has made the JSON of the items."""
    since, until = query.from_ or EVER[0], query.to or EVER[1]
    position = pagination.decode(query.cursor) if query.cursor else BEFORE_ALL
    one_more = query.limit + 1
    items = await database.call_as(member, LIST, query.status.value, query.user_id, since, until, *position, one_more)
    shown = items[: query.limit]
    following = None
    if len(items) > len(shown):
        last = orjson.loads(shown[-1])
        following = pagination.encode((last[query.time], last["id"]))
    return {"items": [orjson.Fragment(item) for item in shown], "next_cursor": following}
