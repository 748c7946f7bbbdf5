"""The operator's view of trial files that were refused: nobody else stands before them."""

from dataclasses import dataclass

import msgspec

from trialbridge.contracts.documents import COMMANDS, SETTINGS, CommandDoc
from trialbridge.contracts.errors import NOT_AS_DESCRIBED
from trialbridge.contracts.filed import TAKEN_IN, decode_taken
from trialbridge.runtime.ports import DocumentStore, Query

MOST = 50


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """One file, or one statement of the regulatory file, whose present content was refused."""

    name: str
    line: int
    """Of the first fault, from 1; 0 where it is not known."""
    code: str
    message: str
    requested: str


async def read_refused_files(documents: DocumentStore) -> list[RefusedFile]:
    """Return what was refused of the files that the trial feed found at its last start, newest first."""
    kept = await documents.get(SETTINGS, TAKEN_IN)
    names = {command: name for name, command in decode_taken(kept.value).items()} if kept else {}
    if not names:
        return []
    asked = Query({"id": tuple(names), "status": "refused"}, "-requested", MOST)
    refused, _ = await documents.find(COMMANDS, asked)
    return [_refused(names[one.id], one) for one in refused]


class _Diagnostic(msgspec.Struct, frozen=True):
    severity: str = "error"
    line: int = 0


class _Result(msgspec.Struct, frozen=True):
    diagnostics: tuple[_Diagnostic, ...] = ()


def _refused(name: str, command: CommandDoc) -> RefusedFile:
    kind, _, rest = name.partition("/")
    shown = rest.partition("/")[2] if kind == "trial" else f"regulatory file, {rest}"
    return RefusedFile(shown, _line(command.result), command.code, command.message, command.requested)


def _line(result: msgspec.Raw) -> int:
    try:
        found = msgspec.json.decode(result, type=_Result).diagnostics
    except NOT_AS_DESCRIBED:
        return 0
    return next((one.line for one in found if one.severity == "error"), 0)
