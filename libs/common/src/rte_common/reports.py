"""The figures of a team's week: jobs computes them, the api shows them."""

from pydantic import BaseModel, Field


class MemberFigures(BaseModel):
    """What one member did in the week."""

    user_id: str
    name: str
    completed: int
    on_time: int = Field(description="Of these, done no later than estimated")


class Figures(BaseModel):
    """What a team did in a week. Expectations without an estimate count as completed only."""

    completed: int
    estimated: int = Field(description="Completed expectations that had an estimate")
    on_time: int = Field(description="Of the estimated ones, done no later than that")
    on_time_share: float | None = Field(description="on_time / estimated; none when nothing was estimated")
    median_error_hours: float | None = Field(description="Median of done minus estimated; positive is late")
    days: list[int] = Field(description="Completed on each day, Monday first", min_length=7, max_length=7)
    members: list[MemberFigures] = Field(description="Who completed something, most first")
