"""The tables whose changes are published, and what their columns are called in Postgres."""

from datetime import datetime
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin
from uuid import UUID

from rte_common.events import ExpectationRow, MembershipRow, Row, UserRow

SCHEMA = "public"

POSTGRES_TYPES: dict[Any, str] = {UUID: "uuid", str: "text", datetime: "timestamptz", bool: "bool", int: "int4"}


def _postgres_type(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return "text"
    if isinstance(annotation, UnionType):
        (annotation,) = (part for part in get_args(annotation) if part is not NoneType)
    return POSTGRES_TYPES[annotation]


def _columns(row: type[Row]) -> dict[str, str]:
    return {name: _postgres_type(field.annotation) for name, field in row.model_fields.items()}


COLUMNS: dict[str, dict[str, str]] = {
    "expectations": _columns(ExpectationRow),
    "users": _columns(UserRow),
    "memberships": _columns(MembershipRow),
}
"""Table -> column -> Postgres type, as the events declare them. What is not here never reaches a client."""

KEYS: dict[str, frozenset[str]] = {
    "expectations": frozenset({"id"}),
    "users": frozenset({"id"}),
    "memberships": frozenset({"team_id", "user_id"}),
}
"""Primary keys: they stay in a row whatever a client selects."""
