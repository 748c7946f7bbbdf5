"""Which codes of procedures are radiation or transplantation where no category or profile says so.

SNOMED CT by code; ICD-10-PCS by section D (radiation therapy) and by the table of transfusions of stem cells (3023, 3024, 302A);
CPT by its codes of delivery and management, not those of consultation, planning and simulation.
"""

import re
from collections.abc import Iterable
from typing import Final, Literal

from trialbridge.criteria.facts import Coding

Kind = Literal["radiation", "transplant"]

_SNOMED: Final[dict[str, Kind]] = {
    "108290001": "radiation",
    "1217123003": "radiation",
    "1156506007": "radiation",
    "33195004": "radiation",
    "152198000": "radiation",
    "441799006": "radiation",
    "10611004": "radiation",
    "23719005": "transplant",
    "58390007": "transplant",
    "58776007": "transplant",
    "234336002": "transplant",
}
_PCS: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (re.compile(r"D[0-9A-Z]{6}"), "radiation"),
    (re.compile(r"302[34A][0-9A-Z][CGUXY][0-9A-Z]"), "transplant"),
)
_CPT: Final[tuple[tuple[re.Pattern[str], Kind], ...]] = (
    (re.compile(r"7737[1-3]|7738[5-7]|774(?:0[1-9]|1[0-9]|2[0-57]|3[125])|7752[0-5]|777(?:50|6[1-9]|7[0-8]|89)"), "radiation"),
    (re.compile(r"3824[01]"), "transplant"),
)  # fmt: skip


def kind_of(codes: Iterable[Coding]) -> Kind | None:
    """Return what the codes of a procedure say that it is; None where they say neither."""
    return next((kind for one in codes if (kind := _kind(one.system or "", one.code or "")) is not None), None)


def _kind(system: str, code: str) -> Kind | None:
    low = system.casefold()
    if "snomed" in low:
        return _SNOMED.get(code)
    if "icd-10-pcs" in low or low.endswith(("/coding/icd10", "2.16.840.1.113883.6.4")):
        return _first(_PCS, code)
    return _first(_CPT, code) if "ama-assn.org" in low or low.endswith("2.16.840.1.113883.6.12") else None


def _first(rules: Iterable[tuple[re.Pattern[str], Kind]], code: str) -> Kind | None:
    return next((kind for pattern, kind in rules if pattern.fullmatch(code.strip().upper())), None)
