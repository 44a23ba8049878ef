"""Who was put out of a team or signed out while their tokens still live: events are newer than tokens."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rte_common.auth import Member
from rte_realtime_gateway.protocol.changes import Change

REMEMBERED_SECONDS = 3600.0
"""Longer than any token lives: after that Clerk's own word is enough."""


@dataclass
class Standing:
    """What the events say about members, which is newer than what their tokens say."""

    clock: Callable[[], float]
    _removed: dict[tuple[str, str], float] = field(default_factory=dict)
    _revoked: dict[str, float] = field(default_factory=dict)

    def note(self, change: Change) -> bool:
        """Take a change into account; returns whether its user lost the team."""
        who = change.team_id, change.user_id
        match change.table, change.type:
            case "memberships", "DELETE":
                self._removed[who] = self.clock()
                return True
            case "memberships", _:
                self._removed.pop(who, None)
            case "users", "UPDATE" if change.row.get("deleted_at") is not None:
                self._removed[who] = self.clock()
                return True
        return False

    def revoke(self, session_id: str) -> None:
        """This session of a member was ended: its tokens are void."""
        self._revoked[session_id] = self.clock()

    def is_good(self, member: Member) -> bool:
        """Whether the member is still in the team, and the session not ended."""
        return (member.team_id, member.id) not in self._removed and member.session_id not in self._revoked

    def tidy(self) -> None:
        """Forget what no token can outlive."""
        oldest = self.clock() - REMEMBERED_SECONDS
        self._removed = {who: at for who, at in self._removed.items() if at > oldest}
        self._revoked = {session: at for session, at in self._revoked.items() if at > oldest}
