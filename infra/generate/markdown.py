"""Small pieces of Markdown."""

from collections.abc import Iterable, Sequence


def notice(source: str) -> str:
    """Return the line that says where a generated page comes from."""
    return f"<!-- Generated from {source} by `make docs`. Do not edit. -->\n"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells may hold Markdown, line ends and bars are made safe."""
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def code(text: str) -> str:
    """Return ``text`` as inline code; nothing for nothing."""
    return f"`{text}`" if text else ""


def codes(texts: Iterable[str]) -> str:
    """Return several pieces of inline code, separated by commas."""
    return ", ".join(code(text) for text in texts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
