"""Revocations: members who lost their team and sign-ins that were ended, while their tokens are still valid.

Events are newer than tokens. How soon somebody is thrown out: the change feed brings the event, the hub asks here and
ends the channels, and every later join, renewal or HTTP call is refused.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rte_common.auth import Member
from rte_realtime_gateway.protocol.changes import Change

MAX_TOKEN_SECONDS = 3600.0
"""Longest life of a token: when it is over, Clerk's own word is enough."""


@dataclass
class Revocations:
    """Members and sign-in sessions whose tokens are void."""

    clock: Callable[[], float] = time.monotonic
    _members: dict[tuple[str, str], float] = field(default_factory=dict)
    """Team and user -> when the member was removed."""
    _sessions: dict[str, float] = field(default_factory=dict)
    """Sign-in session -> when it was ended."""

    def apply(self, change: Change) -> bool:
        """Take a change of a membership or a user into account; returns whether its user lost the team."""
        member = change.team_id, change.user_id
        match change.table, change.type:
            case "memberships", "DELETE":
                self._members[member] = self.clock()
                return True
            case "memberships", _:
                self._members.pop(member, None)
            case "users", "UPDATE" if change.row.get("deleted_at") is not None:
                self._members[member] = self.clock()
                return True
        return False

    def end_session(self, session_id: str) -> None:
        """Void the tokens of a sign-in session."""
        self._sessions[session_id] = self.clock()

    def allows(self, member: Member) -> bool:
        """Whether the member is still in the team, and signed in."""
        return (member.team_id, member.id) not in self._members and member.session_id not in self._sessions

    def prune(self) -> None:
        """Drop what no token can outlive."""
        oldest = self.clock() - MAX_TOKEN_SECONDS
        self._members = {member: at for member, at in self._members.items() if at > oldest}
        self._sessions = {session: at for session, at in self._sessions.items() if at > oldest}
