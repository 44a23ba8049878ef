"""Sessions in a cookie, and sessions that must prove more before they act for others."""

import pytest

from .running import Api, StartApi, Team

ORIGIN = "http://localhost:8080"
KEY = "pk_test_Y2xlcmsuZGV2c3RhY2suaW52YWxpZCQ"
SUFFIX = "Zr4fKa9m"


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("GET", {"origin": ORIGIN}, 200),
        ("GET", {"origin": "https://evil.example"}, 401),
        ("PATCH", {"origin": ORIGIN}, 200),
        ("PATCH", {}, 401),
        ("PATCH", {"origin": "https://evil.example"}, 401),
        ("PATCH", {"origin": "null"}, 401),
    ],
)
async def test_the_session_cookie_counts_only_from_an_allowed_origin(
    api: Api, team: Team, method: str, headers: dict[str, str], status: int
) -> None:
    client = await api.client(cookie=f"a=b; __session={api.token(team, 'alex')}", **headers)
    body = {"timezone": "UTC"} if method == "PATCH" else None
    answer = await client.request(method, "/me", json=body)

    assert answer.status_code == status
    if status == 401:
        assert answer.json()["type"] == "/problems/wrong-origin"


async def test_the_suffixed_cookie_of_our_clerk_instance_is_preferred(start_api: StartApi, team: Team) -> None:
    api = await start_api(clerk_publishable_key=KEY)
    client = await api.client(cookie=f"__session=old; __session_{SUFFIX}={api.token(team, 'alex')}")

    assert (await client.get("/me")).status_code == 200


async def test_an_admin_who_acts_for_others_must_have_verified_a_second_factor(start_api: StartApi, team: Team) -> None:
    api = await start_api(admin_second_factor_minutes=10)
    maria = await api.member(team, "maria")
    published = (await maria.post("/expectations", json={"title": "of Maria"})).json()
    url = f"/expectations/{published['id']}"
    stale = [await api.member(team, "alex", fva=fva) for fva in ([0, -1], [0, 11])]
    for alex in stale:
        for answer in (await alex.patch(url, json={"title": "x"}), await alex.delete(url)):
            problem = answer.json()
            assert (answer.status_code, problem["type"]) == (403, "/problems/second-factor-required")
            assert problem["clerk_error"]["metadata"]["reverification"]["afterMinutes"] == 10
    own = await stale[0].post("/expectations", json={"title": "own"})
    verified = await api.member(team, "alex", fva=[30, 10])

    assert (await stale[0].patch(f"/expectations/{own.json()['id']}", json={"title": "mine"})).status_code == 200
    assert (await verified.patch(url, json={"title": "x"})).status_code == 200
