"""A database's address as platforms write it, made one that asyncpg takes.

Platforms hand out URLs that also carry what only other drivers need. asyncpg would send that to the server as settings
of the session, and the server would refuse the connection.
"""

import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BeforeValidator, PostgresDsn, TypeAdapter, ValidationError

SCHEME = re.compile(r"postgres(?:ql)?(?:\+\w+)?(?=://)", re.ASCII | re.IGNORECASE)
NAME = re.compile(r"[a-z_]\w{0,40}", re.ASCII | re.IGNORECASE)
FORM = (
    "must be like postgresql://user:password@host:5432/database, with /, #, ?, @, % and blanks of the password "
    "percent-encoded"
)
SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})
FILES = ("sslrootcert", "sslcert", "sslkey", "sslcrl", "passfile")
TAKEN = {
    *FILES,
    *("host", "port", "dbname", "database", "user", "password", "target_session_attrs", "krbsrvname", "gsslib"),
    *("sslmode", "sslpassword", "sslnegotiation", "ssl_min_protocol_version", "ssl_max_protocol_version"),
    *("options", "search_path", "timezone", "statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"),
}
"""Parameters of asyncpg and of the server."""
FOR_OTHERS = {
    # Prisma; Supabase and Vercel for it
    *("pgbouncer", "connection_limit", "pool_timeout", "socket_timeout", "statement_cache_size", "supa", "workaround"),
    # SQLAlchemy, node-postgres, pgx, lib/pq, Rails
    *("prepared_statement_cache_size", "async_fallback", "uselibpqcompat", "binary_parameters", "pool", "pool_size"),
    *("pool_mode", "pool_max_conns", "pool_min_conns", "default_query_exec_mode", "prepared_statements"),
    # libpq, for what other variables say here or what changes nothing
    *("connect_timeout", "keepalives", "keepalives_idle", "keepalives_interval", "keepalives_count", "sslsni"),
    *("tcp_user_timeout", "client_encoding", "application_name", "fallback_application_name", "gssencmode"),
}
"""Parameters that only other drivers need."""


def for_asyncpg(url: object) -> str:
    """`url` in asyncpg's spelling. ValueError says what cannot be followed, by the parameter's name and no value."""
    try:
        parts = urlsplit(str(TypeAdapter(PostgresDsn).validate_python(SCHEME.sub("postgresql", str(url).strip(), 1))))
    except ValidationError:
        raise ValueError(FORM) from None
    if parts.fragment or ("@" in parts.query and "@" not in parts.netloc):
        raise ValueError(FORM)  # a password's # or ? has cut the address in two
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    _translate_ssl(given)
    if given.pop("channel_binding", None) == "require":
        raise ValueError(
            "has channel_binding=require, which asyncpg cannot do: take it out, or use sslmode=verify-full"
        )
    if given.get("schema") == "public":
        del given["schema"]
    for name in given.keys() - TAKEN - FOR_OTHERS:
        raise ValueError(f"has the parameter {name}, which is not known here" if NAME.fullmatch(name) else FORM)
    kept = {name: value for name, value in given.items() if name in TAKEN}
    _check_files(kept)
    return parts._replace(query=urlencode(kept)).geturl()


def _translate_ssl(given: dict[str, str]) -> None:
    """Make `ssl` of SQLAlchemy and node-postgres, and `sslmode=no-verify` of the latter, what libpq calls them."""
    if "ssl" in given:
        ssl = given.pop("ssl")
        given.setdefault(
            "sslmode", {"true": "require", "1": "require", "false": "disable", "0": "disable"}.get(ssl, ssl)
        )
    if given.get("sslmode") == "no-verify":
        given["sslmode"] = "require"
        given.pop("sslrootcert", None)  # with it, `require` verifies
    mode = given.get("sslmode", "prefer")
    if mode not in SSL_MODES:
        raise ValueError(f"has an sslmode that is none of {', '.join(sorted(SSL_MODES))}")
    if mode.startswith("verify-") and not (
        "sslrootcert" in given
        or os.environ.get("PGSSLROOTCERT")
        or Path("~/.postgresql/root.crt").expanduser().exists()
    ):
        raise ValueError(f"has sslmode={mode}, which needs sslrootcert, a file with the authority's certificate")


def _check_files(given: dict[str, str]) -> None:
    for name in FILES:
        if name in given and not os.access(given[name], os.R_OK):
            raise ValueError(f"has an {name} that is no file which can be read")


DatabaseUrl = Annotated[str, BeforeValidator(for_asyncpg)]
"""Address of a database, in asyncpg's spelling."""
