"""Trials and regulatory statements in files: each new or changed one becomes a command, carried out like any other.

Which content was taken from which file is kept, so a restart does not undo what people have changed since.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import yaml

from services.trialfeed.handlers import StatementAsked, TrialAsked
from trialbridge.contracts.documents import COMMANDS, SETTINGS, CommandDoc, SettingDoc
from trialbridge.contracts.errors import Misconfigured
from trialbridge.contracts.ids import derive, digest
from trialbridge.runtime.ports import DocumentStore

SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})
OPERATOR: Final = "operator"


@dataclass(frozen=True, slots=True)
class FileFeed:
    """Reads the configured files."""

    documents: DocumentStore
    now: Callable[[], datetime]
    folders: Sequence[Path] = ()
    regulatory: Path | None = None

    async def take_in(self) -> int:
        """Write a command for each file or statement that is new or changed; return how many.

        Raises:
            Misconfigured: ``settings.trial-folder``, ``settings.regulatory-file``, with how to mend it.
        """
        count = 0
        for name, text in await asyncio.to_thread(read_trials, self.folders):
            body = TrialAsked(text=text, name=name.rpartition("/")[2])
            count += await self._ask(f"trial/{name}", "register_trial", body)
        if self.regulatory is not None:
            for row in await asyncio.to_thread(read_statements, self.regulatory):
                count += await self._ask(f"regulatory/{row.trial}", "set_regulatory", row)
        return count

    async def _ask(self, name: str, kind: str, body: msgspec.Struct) -> bool:
        """Write the command unless this very content was the last one taken from this place."""
        raw = msgspec.json.encode(body)
        place, content = f"trialfeed/file/{name}", digest(raw)
        taken = await self.documents.get(SETTINGS, place)
        if taken is not None and taken.value == content:
            return False
        turn = taken.version + 1 if taken else 1
        command = CommandDoc(
            id=derive("cmd", ("trialfeed", name, content, str(turn))),
            version=1,
            to="trialfeed",
            kind=kind,
            tenant=OPERATOR,
            actor="trialfeed",
            body=msgspec.Raw(raw),
            requested=self.now().isoformat(),
        )
        await self.documents.replace(COMMANDS, command, 0)
        await self.documents.upsert(SETTINGS, [SettingDoc(id=place, version=turn, value=content)])
        return True


def read_trials(folders: Sequence[Path]) -> list[tuple[str, str]]:
    """Return name (with its folder's place in the list) and text of each trial file, in order; bad bytes become U+FFFD."""
    found: list[tuple[str, str]] = []
    for number, folder in enumerate(folders):
        if not folder.is_dir():
            raise Misconfigured("settings.trial-folder", f"TRIALBRIDGE_TRIAL_FOLDERS: {folder} is not a folder.")
        paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and path.is_file())
        found.extend((f"{number}/{path.name}", path.read_bytes().decode("utf-8", "replace")) for path in paths)
    return found


def read_statements(path: Path) -> list[StatementAsked]:
    """Return the regulatory statements in a file.

    A file that cannot be read stops the start: a hold that nobody sees would be worse than a service that is down.
    """
    try:
        rows: Any = yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - the base loader makes text only
        return msgspec.convert(rows or [], list[StatementAsked], strict=False)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, msgspec.ValidationError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else type(error).__name__
        raise Misconfigured(
            "settings.regulatory-file",
            f"TRIALBRIDGE_REGULATORY_FILE: {path.name} must be a list of statements (trial, approved, hold, ...): {reason}.",
        ) from None
