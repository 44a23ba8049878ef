"""`make token`: a session token of a demo member, from the Clerk stand-in."""

import argparse
import contextlib
import http.client
import json
from typing import Any
from urllib.parse import urlsplit

from rte_devstack.environment import setting
from rte_devstack.folder import Folder
from rte_devstack.hints import make, unknown
from rte_devstack.program import ProgramFailed
from rte_devstack.stack import STAND_IN_SECRET_KEY, Stack
from rte_devstack.supervisor import running

MAX_LIFETIME_SECONDS = 31 * 24 * 60 * 60


def token(options: argparse.Namespace) -> None:
    """Print a session token, and nothing else."""
    asked: dict[str, Any] = {"member": options.member}
    if options.lifetime is not None:
        asked["lifetime"] = _lifetime(options.lifetime)
    if options.org:
        asked["organization"] = options.org
    folder = Folder.chosen()
    stack = Stack(folder, running(folder).port)
    status, content = _ask(stack, "POST", "/devstack/tokens", asked)
    if status != 200:
        raise ProgramFailed(_why(stack, options, content["errors"][0]["message"]))
    print(content["token"])


def _lifetime(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 1 <= seconds <= MAX_LIFETIME_SECONDS:
        raise ProgramFailed(f"LIFETIME is {text!r}, but must be seconds from 1 to {MAX_LIFETIME_SECONDS} (31 days)")
    return seconds


def _why(stack: Stack, options: argparse.Namespace, message: str) -> str:
    """Say who or what there is in place of what there is not."""
    if "No user" in message:
        _, users = _ask(stack, "GET", "/v1/users?limit=500&order_by=%2Bcreated_at")
        return unknown("member", options.member, [str(user["first_name"] or user["id"]).lower() for user in users])
    if "organization" in message or "not a member" in message:
        _, found = _ask(stack, "GET", "/v1/organizations?limit=500&order_by=%2Bcreated_at")
        slugs = [str(organization["slug"]) for organization in found["data"]]
        return message if options.org in slugs else unknown("organization", options.org, slugs)
    return f"no token for {options.member}: {message}"


def _ask(stack: Stack, method: str, path: str, body: object = None) -> tuple[int, Any]:
    clerk = urlsplit(stack.url("clerk"))
    key = setting("CLERK_SECRET_KEY", STAND_IN_SECRET_KEY)
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    see = f"see `{make('logs PART=clerk')}`"
    with contextlib.closing(http.client.HTTPConnection(clerk.hostname or "", clerk.port, timeout=10)) as connection:
        try:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException) as error:
            raise ProgramFailed(f"the Clerk stand-in does not answer ({error}): {see}") from error
        except ValueError as error:
            raise ProgramFailed(f"the Clerk stand-in failed: {see}") from error
