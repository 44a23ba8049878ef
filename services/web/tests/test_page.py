"""The page: its configuration, what it may load, and when there is none."""

import json
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import httpx
import pytest
from pydantic import ValidationError

from rte_web.client import Client
from rte_web.settings import Settings, frontend_api

Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]
KEY = "pk_test_Y2xlcmsuZXhhbXBsZS5jb20k"
CONFIG = re.compile(r'<script type="application/json" id="config">(.*?)</script>', re.DOTALL)


def config(page: str) -> object:
    [text] = CONFIG.findall(page)
    return json.loads(text)


def policy(page: httpx.Response) -> list[str]:
    return page.headers["content-security-policy"].split("; ")


async def test_without_variables_it_loads_nothing_from_elsewhere(http: httpx.AsyncClient) -> None:
    page = await http.get("/")

    assert config(page.text) == {"clerk_publishable_key": None, "stand_in_url": None}
    assert policy(page) == [
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "frame-src 'none'",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
    ]


async def test_with_clerk_it_loads_what_clerk_needs_and_no_more(serve: Serve) -> None:
    async with serve(APP_ENV="production", CLERK_PUBLISHABLE_KEY=KEY, SUPABASE_URL="https://ref.supabase.co/") as http:
        page = await http.get("/history")

    assert config(page.text) == {"clerk_publishable_key": KEY, "stand_in_url": None}
    challenges, protect = "https://challenges.cloudflare.com", "https://*.protect.clerk.com"
    assert policy(page) == [
        "default-src 'self'",
        f"script-src 'self' https://clerk.example.com {challenges} {protect}",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob: https://img.clerk.com https://ref.supabase.co",
        f"connect-src 'self' https://clerk.example.com {protect}:* https://ref.supabase.co",
        f"frame-src {challenges} {protect}",
        "worker-src 'self' blob:",
        "frame-ancestors 'none'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self' https://clerk.example.com",
    ]


async def test_with_the_stand_in_it_loads_nothing_of_clerks(serve: Serve) -> None:
    async with serve(CLERK_STAND_IN_URL="http://localhost:8085", SUPABASE_URL="http://127.0.0.1:8086") as http:
        page = await http.get("/")

    assert config(page.text) == {"clerk_publishable_key": None, "stand_in_url": "http://localhost:8085"}
    assert "script-src 'self'" in policy(page)
    assert "connect-src 'self' http://localhost:8085 http://127.0.0.1:8086" in policy(page)
    assert "img-src 'self' data: blob: http://localhost:8085 http://127.0.0.1:8086" in policy(page)
    assert "clerk.com" not in page.headers["content-security-policy"]


def test_no_value_can_end_the_block_that_it_stands_in(built: Path, tmp_path: Path) -> None:
    value = '</script><script>alert("\\u003c")</script>'
    # No setting lets such a value in; the page must not rely on it.
    settings = Settings(web_client_folder=built).model_copy(update={"clerk_stand_in_url": value})
    Client(settings, tmp_path / "served")

    page = (tmp_path / "served" / "index.html").read_text()
    assert page.count("</script>") == 2
    assert config(page) == {"clerk_publishable_key": None, "stand_in_url": value}


@pytest.mark.parametrize("page", [None, "<p>no place for it</p>", '<script id="config">{}</script>' * 2])
async def test_without_a_client_it_is_alive_and_not_ready(serve: Serve, built: Path, page: str | None) -> None:
    (built / "index.html").unlink() if page is None else (built / "index.html").write_text(page)
    async with serve() as http:
        ready, health, front = await http.get("/ready"), await http.get("/health"), await http.get("/")

    assert (ready.status_code, ready.json()["status"]) == (503, "unready")
    assert str(built / "index.html") in ready.json()["checks"]["client"]
    assert (health.status_code, front.status_code) == (200, 404)


async def test_with_a_client_it_is_ready(http: httpx.AsyncClient) -> None:
    assert (await http.get("/ready")).json() == {"status": "ready", "checks": {"client": "ok"}}


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"CLERK_STAND_IN_URL": "http://localhost:8085", "APP_ENV": "production"}, "CLERK_STAND_IN_URL"),
        ({"APP_ENV": "production"}, "CLERK_PUBLISHABLE_KEY is not set"),
        ({"CLERK_PUBLISHABLE_KEY": "sk_test_Y2xlcmsuZXhhbXBsZS5jb20k"}, "must be a publishable key"),
        ({"CLERK_PUBLISHABLE_KEY": "pk_test_bm8gaG9zdDsgJA=="}, "must be a publishable key"),
        ({"CLERK_STAND_IN_URL": "http://localhost:8085/x"}, "host and port alone"),
        ({"SUPABASE_URL": "https://ref.supabase.co; script-src *"}, "host and port alone"),
        ({"SUPABASE_URL": "*"}, "host and port alone"),
    ],
)
def test_a_setting_that_would_be_wrong_is_refused(
    variables: dict[str, str], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=re.escape(said)):
        Settings()


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("pk_live_Y2xlcmsuZXhhbXBsZS5jb20k", "clerk.example.com"),
        ("pk_test_aGFwcHktZm94LTEyLmNsZXJrLmFjY291bnRzLmRldiQ", "happy-fox-12.clerk.accounts.dev"),
        ("pk_live_Y2xlcmsuZXhhbXBsZS5jb20", None),
        ("pk_live_", None),
        ("pk_live_ÄÖ", None),
        ("", None),
    ],
)
def test_a_publishable_key_names_a_host(key: str, host: str | None) -> None:
    assert frontend_api(key) == host
