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
from trialbridge.contracts.filed import FILE_ACTOR, FILE_TENANT, TAKEN_IN, encode_taken
from trialbridge.contracts.ids import derive, digest
from trialbridge.runtime.ports import DocumentStore

SUFFIXES: Final = frozenset({".yaml", ".yml", ".json"})


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
        count, commands = 0, dict[str, str]()
        for name, kind, body in await asyncio.to_thread(self._read):
            taken = await self._ask(name, kind, body)
            commands[name] = taken.command
            count += taken.new
        await self._keep(commands)
        return count

    def _read(self) -> list[tuple[str, str, msgspec.Struct]]:
        """Return name, kind of command and body of all that is in files."""
        found: list[tuple[str, str, msgspec.Struct]] = [
            (f"trial/{name}", "register_trial", TrialAsked(text=text, name=name.rpartition("/")[2]))
            for name, text in read_trials(self.folders)
        ]
        rows = read_statements(self.regulatory) if self.regulatory is not None else []
        return [*found, *((f"regulatory/{row.trial}", "set_regulatory", row) for row in rows)]

    async def _ask(self, name: str, kind: str, body: msgspec.Struct) -> "_Taken":
        """Write the command unless this very content was the last one taken from this place."""
        raw = msgspec.json.encode(body)
        place, content = f"trialfeed/file/{name}", digest(raw)
        taken = await self.documents.get(SETTINGS, place)
        if taken is not None and taken.value == content:
            return _Taken(_command_id(name, taken), new=False)
        kept = SettingDoc(id=place, version=taken.version + 1 if taken else 1, value=content)
        command = CommandDoc(
            id=_command_id(name, kept),
            version=1,
            to="trialfeed",
            kind=kind,
            tenant=FILE_TENANT,
            actor=FILE_ACTOR,
            body=msgspec.Raw(raw),
            requested=self.now().isoformat(),
        )
        await self.documents.replace(COMMANDS, command, 0)
        await self.documents.upsert(SETTINGS, [kept])
        return _Taken(command.id, new=True)

    async def _keep(self, commands: dict[str, str]) -> None:
        """Keep which command came last from each file that there is, for the operator page."""
        known, value = await self.documents.get(SETTINGS, TAKEN_IN), encode_taken(commands)
        if known is None or known.value != value:
            doc = SettingDoc(id=TAKEN_IN, version=known.version + 1 if known else 1, value=value)
            await self.documents.upsert(SETTINGS, [doc])


@dataclass(frozen=True, slots=True)
class _Taken:
    """The last command that came from a file, and whether it was written now."""

    command: str
    new: bool


def _command_id(name: str, taken: SettingDoc) -> str:
    return derive("cmd", ("trialfeed", name, taken.value, str(taken.version)))


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
