"""The closed list of generated files, and what writes or checks them."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from infra.generate import (
    asyncapi,
    demo_env,
    hl7v2_page,
    kafka,
    language_pages,
    mapping_schema,
    metrics,
    promises,
    settings,
    topics,
)

ROOT: Final = Path(__file__).resolve().parents[2]

DOCUMENTS: Final[Mapping[str, Callable[[Path], str]]] = {
    "infra/kafka/topics.yaml": kafka.render,
    "docs/asyncapi.yaml": asyncapi.render,
    "docs/topics.md": topics.render,
    "docs/settings.md": settings.render,
    "docs/hl7v2.md": hl7v2_page.render,
    "docs/mapping.schema.json": mapping_schema.render,
    "docs/metrics.md": metrics.render,
    "docs/promises.md": promises.render,
    "infra/demo.env": demo_env.render,
    **language_pages.documents(),
}
"""By path under the project's root: the function that gives the file's text."""


def stale(root: Path = ROOT) -> list[str]:
    """Return the paths of the generated files under ``root`` that are absent or differ from what the code says."""
    return list(_stale(root))


def _stale(root: Path) -> dict[str, str]:
    """Return what the files that are absent or differ should say, by path."""
    made = ((name, render(root)) for name, render in DOCUMENTS.items())
    return {name: text for name, text in made if _read(root / name) != text}


def write(root: Path = ROOT) -> list[str]:
    """Bring the generated files under ``root`` up to date; return the paths of those that changed."""
    changed = _stale(root)
    for name, text in changed.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return list(changed)


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
