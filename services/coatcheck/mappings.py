"""Mapping files of feeds: whose columns, words, samples and panels mean what, read once at the start."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from trialbridge.contracts.errors import Misconfigured, Place, Refused
from trialbridge.contracts.ids import SourceId
from trialbridge.emr.csv.mapping import FeedMapping, read_mapping

ENDINGS: Final = (".yaml", ".yml", ".json")


def read_mappings(folder: Path) -> Mapping[SourceId, FeedMapping]:
    """Return the mapping files of a folder by the feed that each names.

    Raises `Misconfigured` ``settings.mappings-missing``, ``settings.mapping-without-source``, ``settings.mapping-twice``, and the
    codes of `read_mapping` with file and path.
    """
    if not folder.is_dir():
        message = "TRIALBRIDGE_MAPPINGS names no folder; make it, or leave the setting out."
        raise Misconfigured("settings.mappings-missing", message, Place(bundle=str(folder)))
    found: dict[SourceId, FeedMapping] = {}
    for path in sorted(one for one in folder.iterdir() if one.suffix.lower() in ENDINGS):
        mapping = _read(path)
        source = SourceId(mapping.source or "")
        if not source:
            message = "A mapping file of a service must say of which feed it is: source: north-clinic/ehr."
            raise Misconfigured("settings.mapping-without-source", message, Place(bundle=path.name, field="source"))
        if source in found:
            message = "Another mapping file is of the same feed; join the two."
            raise Misconfigured("settings.mapping-twice", message, Place(bundle=path.name, field="source"))
        found[source] = mapping
    return found


def _read(path: Path) -> FeedMapping:
    try:
        return read_mapping(path.read_bytes(), path.name)
    except OSError:
        raise Misconfigured(
            "settings.mapping-unreadable", "The file cannot be read.", Place(bundle=path.name)
        ) from None
    except Refused as error:
        raise Misconfigured(error.code, error.message, error.place) from None
