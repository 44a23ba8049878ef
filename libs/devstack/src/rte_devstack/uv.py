"""Run uv with the settings that pip has: a company's index, proxy and authority hold for both.

A script that needs nothing but Python, because it installs everything else: `python uv.py <uv's arguments>`.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path

VARIABLES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "keyring-provider": "UV_KEYRING_PROVIDER",
    "timeout": "UV_HTTP_TIMEOUT",
    "client-cert": "SSL_CLIENT_CERT",
}
"""pip's options and uv's variables of the same meaning. https://docs.astral.sh/uv/reference/environment/"""
PRECEDENCE = ("global", "install", ":env:")
"""Where pip finds a setting for an installation; the last wins."""


def pip_settings() -> dict[str, str]:
    """What pip's files and PIP_* variables say to an installation; an option with several values has one a line."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "config", "list"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    listed = [line.partition("=") for line in lines if "=" in line]
    found = {name: ast.literal_eval(value) for name, _, value in listed}
    settings = {}
    for section in PRECEDENCE:
        for name, value in found.items():
            if name.startswith(f"{section}."):
                settings[name[len(section) + 1 :].removeprefix("default-")] = str(value)
    return settings


def uv_environment(settings: dict[str, str], environment: dict[str, str]) -> dict[str, str]:
    """Return `environment` with pip's settings for uv; variables of uv's own that it has already stay."""
    result = dict(environment)
    values = {option: value.split() for option, value in settings.items()}
    # pip warns of a folder that is not there, uv ends.
    values["find-links"] = [link for link in values.get("find-links", []) if "://" in link or Path(link).exists()]
    for option, variable in VARIABLES.items():
        if values.get(option):
            result.setdefault(variable, ("," if option == "find-links" else " ").join(values[option]))
    if values.get("extra-index-url"):
        result.setdefault("UV_INDEX_STRATEGY", "unsafe-best-match")  # as pip does; the hashes say what is right
    authority = settings.get("cert") or environment.get("REQUESTS_CA_BUNDLE") or environment.get("CURL_CA_BUNDLE")
    if authority:
        result["SSL_CERT_DIR" if Path(authority).is_dir() else "SSL_CERT_FILE"] = authority
    if proxy := settings.get("proxy"):
        result |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy)
    cache = Path(environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME", "/"), ".cache"))
    nearest = next(folder for folder in (cache, *cache.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        result.setdefault("UV_NO_CACHE", "true")  # a user without a home; pip does without by itself
    return result


if __name__ == "__main__":
    uv = str(Path(sys.executable).with_name("uv"))
    settings = pip_settings()
    arguments = ["--no-index"] if settings.get("no-index", "").lower() in ("1", "true", "yes", "on") else []
    os.execve(uv, [uv, *sys.argv[1:], *arguments], uv_environment(settings, dict(os.environ)))  # noqa: S606
