"""Every problem type that a service answers, in the words of its page at `/problems/<slug>` and of the API's reference.

A slug never changes: clients compare it. A new type begins with its entry in one of the modules here.
"""

from collections.abc import Mapping

from rte_common.problem_types import requests, rules, tokens, webhooks
from rte_common.problem_types.kind import ProblemType

__all__ = ["GROUPS", "PROBLEM_TYPES", "ProblemType"]

GROUPS: Mapping[str, tuple[ProblemType, ...]] = {
    "Who is asking": tokens.PROBLEM_TYPES,
    "The rules of expectations, members and files": rules.PROBLEM_TYPES,
    "Requests in general": requests.PROBLEM_TYPES,
    "Webhooks of Clerk": webhooks.PROBLEM_TYPES,
}
PROBLEM_TYPES: Mapping[str, ProblemType] = {kind.slug: kind for group in GROUPS.values() for kind in group}
