"""What pip is configured with holds for uv: shown with a real uv and a package index behind a company's authority."""

import datetime
import http.server
import os
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rte_devstack import uv


class Index(http.server.BaseHTTPRequestHandler):
    """A package index without packages, which remembers what it was asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        """Say that there is no such package."""
        self.asked.append(self.path)
        self.send_error(404)

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def authority(tmp_path: Path) -> Path:
    """A certificate that no list of authorities has, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "A company's authority")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = tmp_path / "a company's ca.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file


@pytest.fixture
def index(authority: Path) -> Iterator[tuple[str, list[str]]]:
    """Address of the index, and what it was asked for."""
    asked: list[str] = []
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), type("Asked", (Index,), {"asked": asked}))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    with server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"https://127.0.0.1:{server.server_address[1]}/simple", asked
        server.shutdown()


def install(**environment: str) -> str:
    """Have uv look for a package that does not exist; gives what it says."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "UV_", "SSL_"))}
    command = [
        sys.executable,
        str(uv.__file__),
        "pip",
        "install",
        "--python",
        sys.executable,
        "--no-cache",
        "no-such-thing",
    ]
    return subprocess.run(command, env=kept | environment, capture_output=True, text=True, check=False).stderr


def test_pip_s_file_names_index_and_authority(tmp_path: Path, authority: Path, index: tuple[str, list[str]]) -> None:
    url, asked = index
    file = tmp_path / "pip.conf"
    file.write_text(f"[global]\nindex-url = {url}\ncert = {authority}\n")
    said = install(PIP_CONFIG_FILE=str(file))
    assert asked == ["/simple/no-such-thing/"], said


def test_pip_s_variables_win_over_its_file(tmp_path: Path, authority: Path, index: tuple[str, list[str]]) -> None:
    url, asked = index
    file = tmp_path / "pip.conf"
    file.write_text("[global]\nindex-url = https://127.0.0.1:1/simple\ncert = /no/such/file\n")
    said = install(PIP_CONFIG_FILE=str(file), PIP_INDEX_URL=url, PIP_CERT=str(authority))
    assert asked == ["/simple/no-such-thing/"], said


def test_each_setting_has_uv_s_form(tmp_path: Path) -> None:
    settings = {
        "extra-index-url": "https://one.example/simple\nhttps://two.example/simple",
        "find-links": f"{tmp_path}\n/no/such/folder\nhttps://wheels.example/",
        "trusted-host": "one.example\ntwo.example",
        "proxy": "http://proxy.example:3128",
        "timeout": "180",
    }
    given = {"UV_HTTP_TIMEOUT": "7", "HTTPS_PROXY": "http://other.example", "HOME": str(tmp_path)}
    assert uv.uv_environment(settings, given) == {
        "UV_INDEX": "https://one.example/simple https://two.example/simple",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_FIND_LINKS": f"{tmp_path},https://wheels.example/",
        "UV_INSECURE_HOST": "one.example two.example",
        "UV_HTTP_TIMEOUT": "7",
        "HOME": str(tmp_path),
        **dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://proxy.example:3128"),
    }
