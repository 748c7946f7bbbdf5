"""Tries what the settings name, one after the other, and changes nothing: what is not made yet is not made."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote

from services.cli.demo.settled import groups
from trialbridge.contracts.errors import Misconfigured, Retryable, TrialbridgeError, Unavailable
from trialbridge.runtime import stores
from trialbridge.runtime.backlog import backlog
from trialbridge.runtime.settings import BaseServiceSettings
from trialbridge.runtime.terminology import read_folder

PATIENCE: Final = 15.0
"""Seconds for one store to answer."""
LOCAL: Final = ("sqlite://", "file://", "trialbridge-embedded://")
SETTING: Final = {
    "key ring": "TRIALBRIDGE_KEYRING",
    "document store": "TRIALBRIDGE_DOCUMENTS",
    "object store": "TRIALBRIDGE_OBJECTS (and TRIALBRIDGE_OBJECT_CREDENTIALS_FILE)",
    "event log": "TRIALBRIDGE_BROKER",
}


@contextlib.contextmanager
def _silent(library: str) -> Iterator[None]:
    """Keep a library from logging what the finding says anyway."""
    logger = logging.getLogger(library)
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's report."""

    what: str
    state: Literal["ok", "away", "wrong"]
    message: str
    code: str = ""


async def examine(settings: BaseServiceSettings) -> list[Finding]:
    """Return what was found of imported terms, the key ring, the stores and the event log."""
    keys = await _try("key ring", lambda: _keys(settings), str(settings.keyring))
    if keys.state == "ok":
        documents = await _store("document store", settings.documents, lambda: _documents(settings))
    else:
        documents = Finding("document store", "wrong", "Not tried: its documents are sealed; mend the key ring first.")
    return [
        *await _terms(settings),
        keys,
        documents,
        await _store("object store", settings.objects, lambda: _objects(settings)),
        await _store("event log", settings.broker, lambda: _log(settings)),
    ]


async def _store(what: str, url: str, attempt: Callable[[], Awaitable[None]]) -> Finding:
    """Try a store; one on this machine that is not made yet is as it should be, if it can be made."""
    path = Path(unquote(url.split("://", 1)[1])) if url.startswith(LOCAL) else None
    shown = url.rsplit("@", 1)[-1]
    if path is None or path.exists():
        return await _try(what, attempt, shown)
    there = next(one for one in path.absolute().parents if one.exists())
    if there.is_dir() and os.access(there, os.W_OK):
        return Finding(what, "ok", f"{shown} (not made yet; the first start makes it)")
    message = f"{path} cannot be made: {there} is no folder that can be written; mend it or name another place in "
    return Finding(what, "wrong", f"{message}{SETTING[what]}.", "store.unusable")


async def _try(what: str, attempt: Callable[[], Awaitable[None]], where: str) -> Finding:
    try:
        async with asyncio.timeout(PATIENCE):
            await attempt()
    except TimeoutError:
        said, code = f"No answer within {PATIENCE:.0f} seconds.", "store.unavailable"
    except Retryable as error:
        said, code = error.message, error.code
    except TrialbridgeError as error:
        return Finding(what, "wrong", error.message, error.code)
    else:
        return Finding(what, "ok", where)
    return Finding(what, "away", f"{where}: {said} Does it run, and is {SETTING[what]} right?", code)


async def _terms(settings: BaseServiceSettings) -> list[Finding]:
    """Return what was found of the folder of imported terms; nothing where none is named."""
    folder = settings.terminology
    if folder is None:
        return []

    async def attempt() -> None:
        read_folder(folder)

    return [await _try("terminology", attempt, str(folder))]


async def _keys(settings: BaseServiceSettings) -> None:
    await stores.open_keys(settings).ping()


async def _documents(settings: BaseServiceSettings) -> None:
    store = stores.open_documents(settings, stores.open_seal(settings, stores.open_keys(settings)))
    try:
        await store.ping()
    finally:
        await store.close()


async def _objects(settings: BaseServiceSettings) -> None:
    store = stores.open_objects(settings)
    try:
        await store.ping()
    finally:
        await store.close()


async def _log(settings: BaseServiceSettings) -> None:
    try:
        with _silent("aiokafka"):
            await backlog(settings.broker, groups(settings), settings)
    except Unavailable:
        if settings.embedded:
            raise Misconfigured("log.unusable", "It is there, but is no event log; check TRIALBRIDGE_BROKER.") from None
        raise
