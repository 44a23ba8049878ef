"""The Clerk stand-in's Backend API, its directory and its sign-in page."""

import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import httpx
import jwt
import pytest
import pytest_asyncio
from fastapi import FastAPI

from rte_common.settings import TeamMode
from rte_devstack.clerk import Settings, create_app
from rte_devstack.serving import serving

from .clerk_receiver import SECRET_KEY, WEBHOOK_SECRET

OWN, VITE = "http://localhost:8080", "http://localhost:5173"
WITH_KEY = {"authorization": f"Bearer {SECRET_KEY}"}


def settings(folder: Path, mode: TeamMode = TeamMode.SINGLE) -> Settings:
    return Settings(
        state_dir=folder,
        clerk_webhook_secret=(WEBHOOK_SECRET,),
        clerk_secret_key=SECRET_KEY,
        clerk_authorized_parties=(OWN, VITE),
        team_mode=mode,
    )


@pytest_asyncio.fixture(loop_scope="session")
async def clerk(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(base_url=url) as http:
        yield http


async def make_user(http: httpx.AsyncClient, name: str) -> dict[str, Any]:
    answer = await http.post("/devstack/users", json={"first_name": name, "email_address": f"{name}@example.com"})
    return dict(answer.json())


async def test_a_walk_with_starting_after_meets_every_user_once(clerk: httpx.AsyncClient) -> None:
    made = [(await make_user(clerk, f"member{number}"))["id"] for number in range(7)]

    walked: list[str] = []
    while True:
        query = {"limit": "3", "order_by": "+created_at"} | ({"starting_after": walked[-1]} if walked else {})
        page = (await clerk.get("/v1/users", params=query, headers=WITH_KEY)).json()
        walked += [user["id"] for user in page]
        if len(page) < 3:
            break

    assert sorted(walked) == sorted(made)
    assert (await clerk.get("/v1/users/count", headers=WITH_KEY)).json()["total_count"] == 7


async def test_offset_pages_are_newest_first_and_ids_filter(clerk: httpx.AsyncClient) -> None:
    made = [(await make_user(clerk, f"member{number}")) for number in range(3)]
    newest_first = sorted(made, key=lambda user: (user["created_at"], user["id"]), reverse=True)

    page = (await clerk.get("/v1/users", params={"limit": 2, "offset": 1}, headers=WITH_KEY)).json()
    chosen = (await clerk.get("/v1/users", params={"user_id": [made[1]["id"]]}, headers=WITH_KEY)).json()

    assert page == newest_first[1:]
    assert chosen == [made[1]]


async def test_organizations_and_memberships_are_listed_with_their_total(clerk: httpx.AsyncClient) -> None:
    user = await make_user(clerk, "alex")
    lab = (await clerk.post("/devstack/organizations", json={"name": "Lab", "slug": "lab"})).json()
    await clerk.post(
        "/devstack/memberships", json={"organization_id": lab["id"], "user_id": user["id"], "role": "org:admin"}
    )

    organizations = (await clerk.get("/v1/organizations?include_members_count=true", headers=WITH_KEY)).json()
    memberships = (await clerk.get("/v1/organization_memberships", headers=WITH_KEY)).json()

    assert (organizations["total_count"], organizations["data"][0]["members_count"]) == (1, 1)
    [membership] = memberships["data"]
    assert (membership["role"], membership["public_user_data"]["user_id"]) == ("org:admin", user["id"])


@pytest.mark.parametrize(
    ("headers", "path", "status", "code"),
    [
        ({}, "/v1/users", 401, "authorization_header_format_invalid"),
        ({"authorization": "Bearer sk_test_wrong"}, "/v1/users", 401, "clerk_key_invalid"),
        (WITH_KEY, "/v1/users/user_none", 404, "resource_not_found"),
        (WITH_KEY, "/v1/users?limit=501", 422, "form_param_format_invalid"),
        (WITH_KEY, "/v1/users?order_by=name", 422, "form_param_value_invalid"),
        (WITH_KEY, "/v1/users?starting_after=x&offset=1", 422, "form_param_value_invalid"),
    ],
)
async def test_refusals_have_clerks_shape(
    clerk: httpx.AsyncClient, headers: dict[str, str], path: str, status: int, code: str
) -> None:
    answer = await clerk.get(path, headers=headers)

    assert answer.status_code == status
    assert answer.json()["errors"][0]["code"] == code
    assert answer.json()["clerk_trace_id"]


async def test_an_e_mail_address_belongs_to_one_user(clerk: httpx.AsyncClient) -> None:
    await make_user(clerk, "alex")
    other = await make_user(clerk, "maria")

    answers = [
        await clerk.post("/devstack/users", json={"email_address": "alex@example.com"}),
        await clerk.patch(f"/devstack/users/{other['id']}", json={"email_address": "alex@example.com"}),
    ]

    assert [answer.json()["errors"][0]["code"] for answer in answers] == ["form_identifier_exists"] * 2


async def test_a_change_moves_only_what_was_said_and_updated_at(clerk: httpx.AsyncClient) -> None:
    user = await make_user(clerk, "alex")

    changed = (await clerk.patch(f"/devstack/users/{user['id']}", json={"last_name": "Morgan"})).json()

    assert changed == user | {"last_name": "Morgan", "updated_at": changed["updated_at"]}
    assert changed["updated_at"] > user["updated_at"]


async def test_the_directory_survives_a_restart(tmp_path: Path) -> None:
    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(base_url=url) as http:
        user = await make_user(http, "alex")
        keys = (await http.get("/.well-known/jwks.json")).json()
    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(base_url=url) as http:
        assert (await http.get(f"/v1/users/{user['id']}", headers=WITH_KEY)).json() == user
        assert (await http.get("/.well-known/jwks.json")).json() == keys
        assert (await http.get("/v1/jwks", headers=WITH_KEY)).json() == keys


async def test_a_deleted_user_is_gone_with_memberships_and_sessions(clerk: httpx.AsyncClient) -> None:
    user = await make_user(clerk, "alex")
    await clerk.post("/devstack/organizations", json={"name": "Lab", "slug": "lab"})
    await clerk.post("/devstack/memberships", json={"organization_id": "lab", "user_id": user["id"]})
    session = (await clerk.post("/devstack/sessions", json={"member": "alex"})).json()

    await clerk.delete(f"/devstack/users/{user['id']}")

    assert (await clerk.get(f"/v1/users/{user['id']}", headers=WITH_KEY)).status_code == 404
    assert (await clerk.get("/v1/organization_memberships", headers=WITH_KEY)).json()["total_count"] == 0
    assert (await clerk.post(f"/v1/client/sessions/{session['id']}/tokens")).status_code == 404


@pytest.mark.parametrize(
    ("mode", "asked", "active"),
    [
        (TeamMode.SINGLE, {}, None),
        (TeamMode.SINGLE, {"organization": "lab"}, "lab"),
        (TeamMode.ORGANIZATIONS, {}, "lab"),
        (TeamMode.ORGANIZATIONS, {"organization": None}, None),
    ],
)
async def test_the_active_organization_follows_the_team_mode_unless_said(
    tmp_path: Path, mode: TeamMode, asked: dict[str, Any], active: str | None
) -> None:
    async with serving(create_app(settings(tmp_path, mode))) as url, httpx.AsyncClient(base_url=url) as http:
        user = await make_user(http, "alex")
        await http.post("/devstack/organizations", json={"name": "Lab", "slug": "lab"})
        await http.post("/devstack/memberships", json={"organization_id": "lab", "user_id": user["id"]})
        answer = await http.post("/devstack/tokens", json={"member": "alex", **asked})

    claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
    assert claims.get("o", {}).get("slg") == active


async def test_signing_in_gives_a_session_its_cookie_and_fresh_tokens(clerk: httpx.AsyncClient) -> None:
    user = await make_user(clerk, "alex")
    page = await clerk.get("/sign-in")
    chosen = await clerk.post("/sign-in", data={"member": user["id"]})
    done = await clerk.get(chosen.headers["location"])

    cookie = chosen.headers["set-cookie"]
    assert user["id"] in page.text
    assert chosen.status_code == 303
    assert cookie.startswith("__session=")
    assert "SameSite=lax" in cookie
    assert "HttpOnly" not in cookie
    shown = done.cookies["__session"]
    assert shown in done.text
    session_id = jwt.decode(shown, options={"verify_signature": False})["sid"]
    fresh = (await clerk.post(f"/v1/client/sessions/{session_id}/tokens")).json()["jwt"]
    assert jwt.decode(fresh, options={"verify_signature": False})["sub"] == user["id"]


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "http://localhost:8080@evil.example/",
        "http://localhost:8080.evil.example/",
        "http://localhost:5174/",
        "https://localhost:5173/",
        "//evil.example/",
        "javascript:alert(1)",
    ],
)
async def test_sign_in_redirects_to_the_allowed_origins_only(clerk: httpx.AsyncClient, elsewhere: str) -> None:
    await make_user(clerk, "alex")

    welcome = [f"{origin}/team?a=1" for origin in (OWN, VITE)]
    answers = [await clerk.post("/sign-in", data={"member": "alex", "redirect_url": url}) for url in welcome]
    refused = [
        await clerk.post("/sign-in", data={"member": "alex", "redirect_url": elsewhere}),
        await clerk.get("/sign-in", params={"redirect_url": elsewhere}),
    ]

    assert [answer.headers["location"] for answer in answers] == welcome
    assert [party(answer.cookies["__session"]) for answer in answers] == [OWN, VITE]
    assert [answer.status_code for answer in refused] == [400, 400]


def party(token: str) -> str:
    return str(jwt.decode(token, options={"verify_signature": False})["azp"])


@pytest.mark.parametrize(
    ("page", "made_for"), [(None, OWN), (OWN, OWN), (VITE, VITE), ("https://evil.example", OWN), ("null", OWN)]
)
async def test_a_token_is_for_the_page_that_asks_when_it_is_one_of_ours(
    clerk: httpx.AsyncClient, page: str | None, made_for: str
) -> None:
    await make_user(clerk, "alex")
    headers = {"origin": page} if page else {}

    session = (await clerk.post("/devstack/sessions", json={"member": "alex"})).json()
    fresh = await clerk.post(f"/v1/client/sessions/{session['id']}/tokens", headers=headers)
    token = await clerk.post("/devstack/tokens", json={"member": "alex"}, headers=headers)

    assert [party(fresh.json()["jwt"]), party(token.json()["token"])] == [made_for, made_for]
    may_read = page in (OWN, VITE)
    assert fresh.headers.get("access-control-allow-origin") == (page if may_read else None)


async def test_who_has_no_picture_gets_initials_that_any_page_may_show(clerk: httpx.AsyncClient) -> None:
    user = await make_user(clerk, "alex <b>okafor</b>")
    lab = (await clerk.post("/devstack/organizations", json={"name": "Lab", "slug": "lab"})).json()

    pictures = [await clerk.get(urlsplit(each["image_url"]).path) for each in (user, lab)]
    nobody = await clerk.get("/avatars/user_none.svg")

    for picture in pictures:
        assert picture.headers["content-type"].startswith("image/svg+xml")
        assert picture.headers["access-control-allow-origin"] == "*"
        assert picture.headers["cross-origin-resource-policy"] == "cross-origin"
        assert "max-age" in picture.headers["cache-control"]
        assert len(picture.content) < 1000
    assert [ElementTree.fromstring(picture.text)[1].text for picture in pictures] == ["A<", "L"]  # noqa: S314  # our own
    assert nobody.status_code == 404


async def test_a_picture_moves_with_the_port_and_an_own_one_stays(tmp_path: Path) -> None:
    def on_port(port: int) -> FastAPI:
        return create_app(settings(tmp_path).model_copy(update={"port": port}))

    async with serving(on_port(8005)) as url, httpx.AsyncClient(base_url=url) as http:
        alex = await make_user(http, "alex")
        own = {"first_name": "maria", "image_url": "https://img.example/1"}
        maria = (await http.post("/devstack/users", json=own)).json()
    async with serving(on_port(8105)) as url, httpx.AsyncClient(base_url=url) as http:
        moved = (await http.get(f"/v1/users/{alex['id']}", headers=WITH_KEY)).json()
        kept = (await http.get(f"/v1/users/{maria['id']}", headers=WITH_KEY)).json()

    assert alex["image_url"] == f"http://localhost:8005/avatars/{alex['id']}.svg"
    assert moved["image_url"] == moved["profile_image_url"] == f"http://localhost:8105/avatars/{alex['id']}.svg"
    assert moved["updated_at"] > alex["updated_at"]
    assert kept == maria


async def test_members_are_offered_to_pages_of_ours_as_on_the_own_one(clerk: httpx.AsyncClient) -> None:
    alex = {"first_name": "Alex", "last_name": "Morgan", "public_metadata": {"role": "admin"}}
    made = [(await clerk.post("/devstack/users", json=alex)).json(), await make_user(clerk, "maria")]

    offered = await clerk.get("/devstack/members", headers={"origin": VITE})

    assert offered.headers["access-control-allow-origin"] == VITE
    ids, pictures = ([user[name] for user in made] for name in ("id", "image_url"))
    assert offered.json() == [
        {"id": ids[0], "name": "Alex Morgan", "email": None, "avatar_url": pictures[0], "team": "", "admin": True},
        {
            "id": ids[1],
            "name": "maria",
            "email": "maria@example.com",
            "avatar_url": pictures[1],
            "team": "",
            "admin": False,
        },
    ]


async def test_where_teams_are_organizations_the_offer_names_them_and_who_leads_one(tmp_path: Path) -> None:
    async with serving(create_app(settings(tmp_path, TeamMode.ORGANIZATIONS))) as url, httpx.AsyncClient() as http:
        http.base_url = httpx.URL(url)
        users = [await make_user(http, name) for name in ("alex", "maria")]
        for slug in ("lab", "yard"):
            await http.post("/devstack/organizations", json={"name": slug.title(), "slug": slug})
            new = {"organization_id": slug, "user_id": users[0]["id"], "role": "org:admin"}
            await http.post("/devstack/memberships", json=new if slug == "lab" else new | {"role": "org:member"})
        offered = (await http.get("/devstack/members")).json()

    assert [(member["team"], member["admin"]) for member in offered] == [("Lab, Yard", True), ("", False)]


async def test_a_session_that_was_signed_out_gives_no_more_tokens(clerk: httpx.AsyncClient) -> None:
    await make_user(clerk, "alex")
    session = (await clerk.post("/devstack/sessions", json={"member": "alex"})).json()["id"]

    left = await clerk.delete(f"/devstack/sessions/{session}", headers={"origin": VITE})
    answers = [
        await clerk.post(f"/v1/client/sessions/{session}/tokens", headers={"origin": VITE}),
        await clerk.post(f"/devstack/sessions/{session}/verify"),
        await clerk.delete(f"/devstack/sessions/{session}"),
    ]

    assert left.status_code == 204
    assert [answer.status_code for answer in answers] == [404] * 3
    assert answers[0].headers["access-control-allow-origin"] == VITE


async def test_a_second_factor_counts_for_its_session_from_when_it_was_verified(tmp_path: Path) -> None:
    async def factors(http: httpx.AsyncClient, session: str) -> Any:
        fresh = (await http.post(f"/v1/client/sessions/{session}/tokens")).json()["jwt"]
        return jwt.decode(fresh, options={"verify_signature": False})["fva"]

    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(base_url=url) as http:
        await make_user(http, "alex")
        one, other = [(await http.post("/devstack/sessions", json={"member": "alex"})).json()["id"] for _ in range(2)]
        before = await factors(http, one)
        verified = await http.post(f"/devstack/sessions/{one}/verify")
        after = await factors(http, one)
        untouched = await factors(http, other)
    kept = json.loads((tmp_path / "directory.json").read_text())
    kept["second_factors"][one] -= 7 * 60_000
    kept["sessions"][one]["created_at"] -= 12 * 60_000
    (tmp_path / "directory.json").write_text(json.dumps(kept))
    async with serving(create_app(settings(tmp_path))) as url, httpx.AsyncClient(base_url=url) as http:
        later = await factors(http, one)

    assert (before, verified.status_code, after, untouched) == ([0, -1], 204, [0, 0], [0, -1])
    assert later == [12, 7]


async def test_an_unknown_member_is_answered_with_who_exists(clerk: httpx.AsyncClient) -> None:
    for name in ("alex", "maria"):
        await make_user(clerk, name)

    answer = await clerk.post("/devstack/tokens", json={"member": "bob"})

    assert answer.status_code == 404
    assert answer.json()["errors"][0]["message"] == "No user was found with id bob. There are alex, maria."


@pytest.mark.parametrize(("mode", "shown"), [(TeamMode.SINGLE, "Harbour"), (TeamMode.ORGANIZATIONS, "Lab")])
async def test_the_page_names_the_team_as_everybody_does(tmp_path: Path, mode: TeamMode, shown: str) -> None:
    named = settings(tmp_path, mode).model_copy(update={"team_name": "Harbour"})
    async with serving(create_app(named)) as url, httpx.AsyncClient(base_url=url) as http:
        user = await make_user(http, "alex")
        await http.post("/devstack/organizations", json={"name": "Lab", "slug": "lab"})
        await http.post("/devstack/memberships", json={"organization_id": "lab", "user_id": user["id"]})
        page = await http.get("/sign-in")

    assert re.findall(r'class="team">([^<]*)<', page.text) == [shown]


async def test_names_are_text_on_the_page_never_markup(clerk: httpx.AsyncClient) -> None:
    await make_user(clerk, "<script>alert(1)</script>$token")

    page = await clerk.get("/sign-in")

    assert "<script>" not in page.text
    assert "&lt;script&gt;" in page.text
