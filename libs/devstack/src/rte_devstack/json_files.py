"""JSON files that are whole at every moment, even when the process is killed while it writes."""

import json
from pathlib import Path
from typing import Any


def write_json(file: Path, content: Any) -> None:
    """Replace the file's content in one step."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.new")
    new.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    new.replace(file)


def read_json(file: Path, missing: Any) -> Any:
    """Return the file's content, or `missing` where there is no file."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return missing
