"""What platforms hand out is understood, or refused at the start with a sentence that holds no secret."""

import base64

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from pydantic import ValidationError

from rte_common import process
from rte_common.clerk_key import public_key
from rte_common.settings import ClerkSettings, DatabaseSettings, NatsSettings, ProcessSettings, Variables

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


CLERK = {"clerk_issuer": "https://clerk.example.com", "clerk_authorized_parties": "https://app.example.com"}
RSA = rsa.generate_private_key(65537, 2048)
PEM = RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
LINES = PEM.splitlines()


def der(pem: str) -> str:
    return "".join(pem.splitlines()[1:-1])


def numbered(_: str) -> str:
    """No name of a case: a key is another one in each process, and all must call a test the same."""
    return ""


@pytest.mark.parametrize(
    "spelling",
    [
        PEM,
        PEM.replace("\n", "\\n"),
        PEM.replace("\n", "\\r\\n"),
        PEM.replace("\n", " "),
        f'"{PEM.strip()}"',
        der(PEM),
        base64.b64encode(PEM.encode()).decode(),
        RSA.public_key().public_bytes(Encoding.PEM, PublicFormat.PKCS1).decode(),
    ],
    ids=numbered,
)
def test_clerks_key_is_understood_however_the_variable_carries_it(spelling: str) -> None:
    assert public_key(spelling) == RSA.public_key()
    assert ClerkSettings.model_validate(CLERK | {"clerk_jwt_key": spelling}).clerk_jwt_key


@pytest.mark.parametrize(
    ("spelling", "told"),
    [
        (LINES[0], "only its first line"),
        ("\n".join(LINES[:3]), "cut off"),
        (LINES[1], "cut off"),
        (RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(), "private key"),
        (f"-----BEGIN CERTIFICATE-----\n{der(PEM)}\n-----END CERTIFICATE-----", "certificate"),
        (
            ec.generate_private_key(ec.SECP256R1())
            .public_key()
            .public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
            .decode(),
            "not an RSA key",
        ),
        (f"ssh-rsa {der(PEM)}", "BEGIN PUBLIC KEY"),
        (f"sk_live_{PASSWORD}", "BEGIN PUBLIC KEY"),
    ],
    ids=numbered,
)
def test_what_is_no_public_key_of_clerk_is_refused_with_what_it_is(spelling: str, told: str) -> None:
    text = refusal(ClerkSettings, **CLERK, clerk_jwt_key=spelling)

    assert told in text
    assert not any(line in text for line in spelling.splitlines() if line and not line.startswith("-----"))


@pytest.mark.parametrize(
    ("given", "browsers"),
    [
        ("https://app.example.com/", "https://app.example.com"),
        ("HTTPS://App.Example.COM", "https://app.example.com"),
        ("https://app.example.com:443", "https://app.example.com"),
        ("http://localhost:80", "http://localhost"),
        ("http://localhost:5173", "http://localhost:5173"),
        ("https://[::1]:8443", "https://[::1]:8443"),
        ("https://b\u00fccher.example", "https://xn--bcher-kva.example"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
def test_an_origin_is_taken_as_browsers_write_it(given: str, browsers: str) -> None:
    settings = ClerkSettings.model_validate(CLERK | {"clerk_authorized_parties": f"{given} , https://other.example"})

    assert settings.clerk_authorized_parties == (browsers, "https://other.example")


@pytest.mark.parametrize(
    "given",
    [
        *("app.example.com", "https://app.example.com/team", "https://", "https://app.example.com?a", "*", "null"),
        *("https://user@app.example.com", "https://app.example.com:port", "https://a b.example", "//app.example.com"),
        *("localhost:3000", "https://app.example.com;https://b.example"),
    ],
)
def test_what_is_no_origin_is_refused(given: str) -> None:
    assert "scheme, host and port alone" in refusal(
        ClerkSettings, clerk_issuer="https://clerk.example.com", clerk_authorized_parties=given
    )


@pytest.mark.parametrize(
    ("given", "issuer"),
    [
        ("https://Clerk.example.com/", "https://clerk.example.com"),
        ("https://app.example.com/__clerk/", "https://app.example.com/__clerk"),
    ],
)
def test_an_issuer_may_have_a_path_where_clerk_is_behind_a_proxy(given: str, issuer: str) -> None:
    settings = ClerkSettings.model_validate(CLERK | {"clerk_issuer": given})

    assert settings.clerk_issuer == issuer
    assert settings.jwks_url == f"{issuer}/.well-known/jwks.json"


def test_the_collectors_address_may_end_in_the_path_of_traces() -> None:
    settings = ProcessSettings(otel_exporter_otlp_endpoint="http://collector:4318/v1/traces/")

    assert settings.otel_exporter_otlp_endpoint == "http://collector:4318"
    assert "http://collector:4318" in refusal(ProcessSettings, otel_exporter_otlp_endpoint="collector:4318")


@pytest.mark.parametrize(
    ("url", "servers", "login"),
    [
        ("nats://nats:4222", ["nats://nats:4222"], (None, None)),
        ("nats:4222", ["nats://nats:4222"], (None, None)),
        ("nats://rte:secret@nats:4222", ["nats://nats:4222"], ("rte", "secret")),
        ("nats://rte:a/b#c d'\"$e?f@g@nats:4222", ["nats://nats:4222"], ("rte", "a/b#c d'\"$e?f@g")),
        ("nats://rte:a%2Fb%2Cc@nats:4222", ["nats://nats:4222"], ("rte", "a/b,c")),
        ("tls://token@a:1,tls://token@b:2", ["tls://a:1", "tls://b:2"], ("token", None)),
    ],
)
def test_a_password_of_the_broker_may_hold_any_character(
    url: str, servers: list[str], login: tuple[str | None, str | None]
) -> None:
    settings = NatsSettings.model_validate({"nats_url": url})

    assert (settings.nats_servers, settings.nats_login) == (servers, login)


def test_the_brokers_login_may_be_in_variables_of_its_own() -> None:
    settings = NatsSettings(nats_url=("nats://nats:4222",), nats_user="rte", nats_password="1,%41/")

    assert settings.nats_login == ("rte", "1,%41/")


@pytest.mark.parametrize(
    "url", [f"nats://rte:{PASSWORD},a@nats:4222", "http://nats:4222", "nats://", "nats://a b", "nats://nats:4222/path"]
)
def test_what_is_no_address_of_a_broker_is_refused(url: str) -> None:
    assert "must be like nats://host:4222" in refusal(NatsSettings, nats_url=url)


def test_a_wrong_setting_is_one_line_with_the_variables_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CLERK_ISSUER", "https://clerk.example.com")
    monkeypatch.setenv("CLERK_AUTHORIZED_PARTIES", "https://app.example.com,app.example.com")
    with pytest.raises(SystemExit) as ended:
        process.load(ClerkSettings)

    assert ended.value.code == 2
    assert capsys.readouterr().err == (
        "CLERK_AUTHORIZED_PARTIES must be scheme, host and port alone, like https://app.example.com\n"
    )
