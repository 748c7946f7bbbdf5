"""``docs/hl7v2.md``: which messages are read, and how much of the HL7 v2-to-FHIR guide is implemented, by segment."""

from collections.abc import Iterable
from pathlib import Path

from infra.generate.markdown import notice, table
from trialbridge.emr.hl7v2.coverage import Share, shares, total
from trialbridge.emr.tables.rows import rows

TEXT = """\
# HL7 v2: what is read

Messages of HL7 v2.1 to 2.9 become FHIR R4 after HL7's v2-to-FHIR guide. Nothing of a message is lost: what no rule takes is kept as it
was written, in an extension of the nearest resource, and the account of a conversion says where each component went.

## Messages

"patient": the PID makes a Patient. "results": it does only where nothing else tells who the patients are.

"""
GUIDE = """
## The guide

The guide maps {rows:,} rows of its segment maps to elements of FHIR. Of these, {implemented:,} ({share:.1%}) are in the
output: {same:,} ({strict:.1%}) in the element that the guide names, {other:,} in another one; {missing:,} are not made. The rows are in
`libs/trialbridge/emr/tables/v2_guide.tsv`, the rules that implement them in `libs/trialbridge/emr/tables/v2_segments.tsv`.

"""
READS = ("messages", "events", "read as")


def render(_root: Path) -> str:
    """Return the page."""
    found = shares()
    whole = total(found)
    counts = {
        "rows": whole.rows,
        "implemented": whole.implemented,
        "share": whole.implemented / whole.rows,
        "same": whole.same,
        "strict": whole.same / whole.rows,
        "other": len(whole.other),
        "missing": len(whole.missing),
    }
    parts = [
        notice("libs/trialbridge/emr/tables/v2_guide.tsv, v2_segments.tsv and v2_events.tsv"),
        TEXT,
        table(READS, _messages()),
        GUIDE.format(**counts),
        table(("segment", "rows", "as the guide", "in another element", "not made", "share"), map(_row, found)),
        "\n## In another element\n\nSheet and field, the guide's element, and ours.\n\n",
        *(_item(one) for one in whole.other),
        "\n## Not made\n\n",
        *(_item(one) for one in whole.missing),
    ]
    return "".join(parts)


def _messages() -> Iterable[tuple[str, str, str]]:
    grouped: dict[tuple[str, str], list[str]] = {}
    for message, event, reads, identity in rows("v2_events"):
        told = reads if identity == "-" else f"{reads}, {identity}"
        grouped.setdefault((message, told), []).append(event)
    return [(message, " ".join(events), told) for (message, told), events in grouped.items()]


def _item(told: str) -> str:
    row, _, where = told.rpartition(": ")
    return f"* `{row}`: {where}\n"


def _row(share: Share) -> tuple[str, ...]:
    counts = (share.rows, share.same, len(share.other), len(share.missing))
    return share.segment, *map(str, counts), f"{share.implemented / share.rows:.0%}"
