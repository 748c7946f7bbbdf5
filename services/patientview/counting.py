"""The one counter of a feed's local codes: how many of its patients' records hold each, kept as documents for the review queue."""

from typing import cast

import msgspec

from services.patientview.tables import HOLDINGS, TALLIES, Holding, Tally
from trialbridge.contracts.documents import LOCAL_CODES, LocalCodeDoc
from trialbridge.contracts.events import LocalCodeHeld, LocalCodesSeen
from trialbridge.contracts.ids import NetworkId
from trialbridge.emr.localcodes.codes import Kind, LocalCode
from trialbridge.runtime.effects import Effects, Received


async def count_codes(record: Received[LocalCodesSeen], effects: Effects) -> None:
    """Count what a source patient's records hold in place of what they held before; a repeat saves the same documents again."""
    seen = record.payload
    holdings, tallies = effects.table(HOLDINGS), effects.table(TALLIES)
    before = holdings.get(seen.key) or Holding()
    said = {one.code: one for one in seen.codes}
    if before.seq < seen.seq:
        counts = dict.fromkeys((name for name, count in before.counts.items() if count), 0)
        counts |= {one.code: one.count for one in seen.codes}
        for name, count in counts.items():
            known = tallies.get(name)
            moved = _moved(known or _first(seen, said[name]), before.counts.get(name, 0), count, said.get(name))
            if moved != known:
                tallies.put(name, msgspec.structs.replace(moved, version=moved.version + 1), seen.network)
        holdings.put(seen.key, Holding(seen.seq, counts), seen.network)
        before = Holding(seen.seq, counts)
    for name in sorted(before.counts):
        tally = tallies.get(name)
        if tally is not None:
            effects.save(LOCAL_CODES, _document(name, seen.network, tally))


def _first(seen: LocalCodesSeen, held: LocalCodeHeld) -> Tally:
    return Tally(seen.tenant, seen.source, _code(held))


def _code(held: LocalCodeHeld) -> LocalCode:
    return LocalCode(cast("Kind", held.kind), held.system, held.value, held.display, held.unit)


def _moved(known: Tally, before: int, after: int, held: LocalCodeHeld | None) -> Tally:
    """Return the tally where one patient's records hold the code ``after`` times and no longer ``before`` times."""
    return msgspec.structs.replace(
        known,
        code=min(known.code, _code(held)) if held else known.code,
        patients=known.patients + bool(after) - bool(before),
        count=known.count + after - before,
    )


def _document(name: str, network: NetworkId, tally: Tally) -> LocalCodeDoc:
    return LocalCodeDoc(
        id=name,
        version=tally.version,
        network=network,
        tenant=tally.tenant,
        source=tally.source,
        kind=tally.code.kind,
        patients=tally.patients,
        count=tally.count,
        said=msgspec.Raw(msgspec.json.encode(tally.code)),
    )
