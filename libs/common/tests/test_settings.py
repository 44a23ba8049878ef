"""What platforms hand out is understood, or refused at the start with a sentence that holds no secret."""

import pytest
from pydantic import ValidationError

from rte_common.settings import DatabaseSettings, Variables

PASSWORD = "s3cr3t"
BASE = f"postgresql://rte:{PASSWORD}@db.example:6543/postgres"


def refusal(settings: type[Variables], **values: object) -> str:
    """Why the settings are refused: all that a process prints."""
    with pytest.raises(ValidationError) as caught:
        settings.model_validate(values)
    text = "; ".join(error["msg"] for error in caught.value.errors(include_input=False))
    assert PASSWORD not in text
    return text


@pytest.mark.parametrize(
    ("given", "understood"),
    [
        (BASE, BASE),
        (BASE.replace("postgresql:", "postgres:"), BASE),
        (BASE.replace("postgresql:", "postgresql+asyncpg:"), BASE),
        (BASE.replace("postgresql:", "postgresql+psycopg_async:"), BASE),
        (f" {BASE}\n", BASE),
        (f"{BASE}?pgbouncer=true&connection_limit=1&pool_timeout=20&connect_timeout=10&schema=public", BASE),
        (f"{BASE}?supa=base-pooler.x&workaround=supabase-pooler.vercel", BASE),
        (f"{BASE}?channel_binding=prefer", BASE),
        (f"{BASE}?sslmode=require", f"{BASE}?sslmode=require"),
        (f"{BASE}?ssl=true", f"{BASE}?sslmode=require"),
        (f"{BASE}?sslmode=no-verify", f"{BASE}?sslmode=require"),
        (f"{BASE}?options=reference%3Dabc", f"{BASE}?options=reference%3Dabc"),
        ("postgresql://rte:a@b@db.example/postgres", "postgresql://rte:a%40b@db.example/postgres"),
    ],
)
def test_a_database_url_in_a_platforms_spelling_is_understood(given: str, understood: str) -> None:
    assert DatabaseSettings.model_validate({"database_url": given}).database_url == understood


@pytest.mark.parametrize(
    ("given", "name"),
    [
        (f"{BASE}?channel_binding=require", "channel_binding"),
        (f"{BASE}?sslmode={PASSWORD}", "sslmode"),
        (f"{BASE}?sslmode=verify-full", "sslrootcert"),
        (f"{BASE}?sslmode=verify-full&sslrootcert=/{PASSWORD}", "sslrootcert"),
        (f"{BASE}?sslaccept=strict", "sslaccept"),
        (f"{BASE}?schema=other", "schema"),
        (f"postgresql://rte:12?{PASSWORD}=a@db.example/postgres", "percent-encoded"),
        (f"postgresql://rte:{PASSWORD}#a@db.example/postgres", "percent-encoded"),
        (f"postgresql://rte:{PASSWORD}/a@db.example/postgres", "percent-encoded"),
        (f"jdbc:postgresql://db.example/postgres?password={PASSWORD}", "must be like postgresql://"),
    ],
)
def test_a_database_url_that_cannot_be_followed_is_refused_by_the_parameters_name(
    given: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    assert name in refusal(DatabaseSettings, database_url=given)
