"""What the pages name is there: files of this repository, and other pages."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("libs", "services", "tests", "deploy", "docs", "requirements", "web", ".github", ".ci")
PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
LEADING = [page for page in PAGES if page.name in ("README.md", "CONTRIBUTING.md") or page.parent.name == "decisions"]
"""Pages that say where things are."""
LINK = re.compile(r"\]\(([^)#\s]+)")
NAMED = re.compile(r"`([\w.-]+(?:/[\w.-]*)+)`")
"""A path between backticks, like `rte_common/outbox.py`; it may leave out the folders in front."""


def name(page: Path) -> str:
    """The page's path in the repository."""
    return str(page.relative_to(ROOT))


def of_this_repository() -> set[str]:
    """Each file and folder with each of the ways to name it: all of its path, or the end of it."""
    found: set[str] = set()
    for folder in FOLDERS:
        for path in ROOT.joinpath(folder).rglob("*"):
            parts = path.relative_to(ROOT).parts
            if not {"node_modules", "dist"} & set(parts):
                found |= {"/".join(parts[start:]) for start in range(len(parts))}
    return found


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text()) if "://" not in link]

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", LEADING, ids=name)
def test_every_file_that_is_named_is_there(page: Path) -> None:
    paths = of_this_repository()

    named = NAMED.findall(page.read_text())
    assert [path for path in named if path.rstrip("/") not in paths] == []
