"""The sign-in page: choose a demo member, get a session, its cookie, and a token to copy."""

from collections.abc import Iterable
from html import escape
from pathlib import Path
from string import Template
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from fastapi import APIRouter, Form
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.status import HTTP_303_SEE_OTHER

from rte_devstack.clerk.control import SessionRequest, choose_organization, session_token
from rte_devstack.clerk.directory import Directory
from rte_devstack.clerk.errors import ClerkError
from rte_devstack.clerk.members import OfferedMember, offered
from rte_devstack.clerk.objects import full_name
from rte_devstack.clerk.settings import Settings
from rte_devstack.clerk.tokens import TokenSigner

COOKIE = "__session"
EMPTY = '<li class="empty">Nobody is here yet: <code>make up</code> fills in the demo team.</li>'
PAGES = Path(__file__).parent / "pages"


def router(directory: Directory, signer: TokenSigner, settings: Settings) -> APIRouter:
    """Make the page's routes."""
    routes = APIRouter(prefix="/sign-in")

    @routes.get("")
    async def choose(redirect_url: str | None = None) -> HTMLResponse:
        party_of(redirect_url, settings)
        hidden = f'<input type="hidden" name="redirect_url" value="{escape(redirect_url)}">' if redirect_url else ""
        return _page("choose", members=_member_list(offered(directory, settings)), redirect_field=hidden)

    @routes.post("")
    async def sign_in(member: Annotated[str, Form()], redirect_url: Annotated[str | None, Form()] = None) -> Response:
        party = party_of(redirect_url, settings)
        user = directory.find_user(member)
        organization = choose_organization(directory, settings.team_mode, SessionRequest(member=user["id"]))
        session = directory.create_session(user["id"], organization)
        here = f"/sign-in/done?{urlencode({'session': session['id']})}"
        answer = RedirectResponse(redirect_url or here, HTTP_303_SEE_OTHER)
        _set_cookie(answer, session_token(directory, signer, session["id"], party))
        return answer

    @routes.get("/done")
    async def done(session: str) -> HTMLResponse:
        token = session_token(directory, signer, session, settings.authorized_party)
        user = directory.user(directory.session(session)["user_id"])
        answer = _page(
            "done",
            avatar=_avatar(user["id"]),
            name=escape(full_name(user)),
            session=escape(session),
            token=escape(token),
            app=escape(settings.authorized_party),
        )
        _set_cookie(answer, token)
        return answer

    return routes


def party_of(redirect_url: str | None, settings: Settings) -> str:
    """Return the origin of the page that signs somebody in: where the browser goes afterwards.

    Every address elsewhere is refused, as Clerk does: else the page is an open redirect.
    """
    if redirect_url is None:
        return settings.authorized_party
    parts = urlsplit(redirect_url)
    origin = f"{parts.scheme}://{parts.netloc}"
    if origin not in settings.clerk_authorized_parties:
        allowed = ", ".join(f"{party}/" for party in settings.clerk_authorized_parties)
        message = f"redirect_url must begin with one of {allowed} (RTE_WEB_ORIGINS names others)"
        raise ClerkError(400, "invalid_redirect_url", message)
    return origin


def _set_cookie(answer: Response, token: str) -> None:
    # Clerk's SDK sets this cookie from JavaScript: not HttpOnly, host only, Lax.
    answer.set_cookie(COOKIE, token, path="/", samesite="lax", httponly=False)


def _page(page: str, /, **values: str) -> HTMLResponse:
    body = Template((PAGES / f"{page}.html").read_text(encoding="utf-8")).substitute(values)
    frame = Template((PAGES / "frame.html").read_text(encoding="utf-8"))
    return HTMLResponse(frame.substitute(body=body), headers={"cache-control": "no-store"})


def _member_list(members: Iterable[OfferedMember]) -> str:
    items = [
        f"""<li><button type="submit" name="member" value="{escape(member.id)}">{_avatar(member.id)}
        <span class="who"><strong>{escape(member.name)}</strong>
        <small>{escape(member.email or "no e-mail address")}</small></span>
        <span class="team">{escape(member.team)}</span>
        </button></li>"""
        for member in members
    ]
    return "\n".join(items) or EMPTY


def _avatar(user_id: str) -> str:
    return f'<img class="avatar" src="/avatars/{escape(user_id)}.svg" alt="" width="40" height="40">'
