"""Time zones that a member or an operator may name: those that browsers, Postgres and NATS know too."""

from functools import cache
from zoneinfo import available_timezones

NOT_FOR_PEOPLE = {"localtime", "Factory", "posixrules"}
"""Names among the files that are no zone of anybody; browsers throw on them."""


@cache
def names() -> frozenset[str]:
    """IANA names, also old ones like Europe/Kiev: the package tzdata has them where the system has not."""
    return frozenset(available_timezones() - NOT_FOR_PEOPLE)
