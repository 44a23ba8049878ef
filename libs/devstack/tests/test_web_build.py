"""The web client's build: made when it must be, whole or not at all, wherever it lies and whoever builds beside it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from rte_devstack import node
from rte_devstack.program import ProgramFailed
from rte_devstack.web_client import WebClient

ODD = 'Präsentation 日本語 José\'s "q" $HOME %d #x'
LOCK = {"name": "web", "version": "1.0.0", "lockfileVersion": 3, "requires": True, "packages": {"": {"name": "web"}}}
BUILD = """
import fs from "node:fs";
const out = process.argv[process.argv.indexOf("--outDir") + 1];
const words = fs.readFileSync("src/main.js", "utf8");
fs.appendFileSync("../builds", "built\\n");
if (words.includes("broken")) { console.error("error during build:\\nError: src/main.js is broken"); process.exit(1); }
fs.writeFileSync(`${out}/index.html`, words);
if (words.includes("for ever")) {
  fs.writeFileSync("../begun", "");
  setInterval(() => fs.existsSync("../end") && process.exit(1), 20);
}
"""
BUILD_IT = "import sys, pathlib, rte_devstack.web_client as w; w.WebClient(pathlib.Path(sys.argv[1])).build()"

pytestmark = pytest.mark.skipif(node.version_in_path() is None, reason="needs Node")


@pytest.fixture
def client(tmp_path: Path) -> WebClient:
    """A package without dependencies, whose page is its one source, and which notes each build in `builds`."""
    folder = tmp_path / ODD / "web"
    (folder / "src").mkdir(parents=True)
    (folder / "src" / "main.js").write_text("first")
    (folder / "build.mjs").write_text(BUILD)
    package = {"name": "web", "version": "1.0.0", "scripts": {"build": "node build.mjs"}}
    (folder / "package.json").write_text(json.dumps(package))
    (folder / "package-lock.json").write_text(json.dumps(LOCK))
    return WebClient(folder)


def page(client: WebClient) -> str:
    return (client.built / "index.html").read_text()


def builds(client: WebClient) -> int:
    return len((client.folder.parent / "builds").read_text().splitlines())


def change(client: WebClient, text: str) -> None:
    (client.folder / "src" / "main.js").write_text(text)


def left_behind(client: WebClient) -> list[str]:
    """What a build has not tidied up."""
    return [entry.name for entry in client.folder.glob(".dist-*")]


def build_in_a_process(client: WebClient) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", BUILD_IT, str(client.folder)], stderr=subprocess.DEVNULL)


def wait_until(happens: Callable[[], bool]) -> None:
    while not happens():
        time.sleep(0.01)


def test_it_is_built_anew_only_when_a_source_has_changed(client: WebClient) -> None:
    assert client.is_stale()
    client.build()
    assert not client.is_stale()
    client.build()
    (client.folder / "src" / "main.js").touch()
    assert (page(client), builds(client), client.is_stale()) == ("first", 1, False)

    change(client, "second")
    assert client.is_stale()
    client.build()
    assert (page(client), builds(client), left_behind(client)) == ("second", 2, [])
    (client.folder / "src" / "more.js").write_text("")
    assert client.is_stale()


def test_packages_are_installed_only_when_the_lock_has_changed(client: WebClient) -> None:
    mark = client.folder / "node_modules" / "mark"
    client.install()
    mark.touch()
    client.install()
    assert mark.exists()

    (client.folder / "package-lock.json").write_text(json.dumps(LOCK, indent=2))
    client.install()
    assert not mark.exists()


def test_a_build_that_fails_says_why_and_leaves_the_old_one(client: WebClient, tmp_path: Path) -> None:
    client.build()
    change(client, "broken")

    log = tmp_path / "log"
    with pytest.raises(ProgramFailed) as failure:
        client.build(log)

    assert str(failure.value) == f"`npm run build` failed: src/main.js is broken (log: {log})"
    assert (page(client), client.is_there(), client.is_stale(), left_behind(client)) == ("first", True, True, [])


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGKILL])
def test_an_interrupted_build_leaves_the_old_one(client: WebClient, ending: signal.Signals) -> None:
    client.build()
    change(client, "for ever")
    process = build_in_a_process(client)
    wait_until((client.folder.parent / "begun").exists)
    process.send_signal(ending)
    process.wait()
    (client.folder.parent / "end").touch()  # what a killed process has started lives on

    assert (page(client), client.is_stale()) == ("first", True)
    change(client, "third")
    client.build()
    assert (page(client), left_behind(client)) == ("third", [])


def test_who_comes_while_it_is_built_waits_and_builds_nothing(client: WebClient) -> None:
    processes = [build_in_a_process(client) for _ in range(3)]

    assert [process.wait() for process in processes] == [0, 0, 0]
    assert (page(client), builds(client)) == ("first", 1)


def test_without_a_lock_or_a_folder_it_is_one_sentence(client: WebClient) -> None:
    (client.folder / "package-lock.json").unlink()
    with pytest.raises(ProgramFailed, match=r"^there is no .*package-lock\.json$"):
        client.build()
    shutil.rmtree(client.folder)
    with pytest.raises(ProgramFailed, match=r"web/\.build\.lock: No such file or directory$"):
        client.build()


def test_a_folder_that_node_cannot_work_in_is_one_sentence(tmp_path: Path) -> None:
    client = WebClient(tmp_path / "a\\b")
    client.folder.mkdir()
    with pytest.raises(ProgramFailed, match=r"^Node loads no modules from a folder with a backslash in its name$"):
        client.build()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_checkout_that_cannot_be_written_to_is_one_sentence(client: WebClient) -> None:
    client.folder.chmod(0o555)
    with pytest.raises(ProgramFailed, match=r"Permission denied$"):
        client.build()
    client.folder.chmod(0o755)
