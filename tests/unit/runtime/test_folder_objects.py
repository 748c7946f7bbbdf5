"""The folder of objects while others write to it."""

import asyncio
from pathlib import Path

from trialbridge.runtime.objects.folder import FolderObjects


async def test_a_listing_does_not_stumble_over_objects_that_are_being_written(tmp_path: Path) -> None:
    store = FolderObjects(tmp_path)
    done = asyncio.Event()

    async def write() -> None:
        for number in range(150):
            await store.put(f"north/ehr/{number:03d}", b"x", {})
        done.set()

    writing = asyncio.create_task(write())
    while not done.is_set():
        keys = [info.uri.rpartition("/")[2] async for info in store.list("north/")]
        assert keys == sorted(keys)
    await writing
    assert len([info async for info in store.list("")]) == 150
