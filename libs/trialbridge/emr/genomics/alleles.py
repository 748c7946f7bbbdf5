"""Alleles and genotypes of VCF: which kind of variant an allele is, and whether a sample has it."""

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.account import Leaf, Made, made
from trialbridge.emr.genomics.finding import Cell, fraction_of

Call = Literal["present", "absent", "unknown"]
_BASES: Final = re.compile(r"[ACGTNacgtnRYSWKMBDHVryswkmbdhv]+")
_BREAKEND: Final = re.compile(r"[A-Za-z.]*[\[\]][^\[\]\s]{1,200}:\d{1,12}[\[\]][A-Za-z.]*")
_NO_ALLELE: Final = frozenset({".", "*", "<*>", "<NON_REF>", "<*:DEL>"})
_GENOTYPE: Final = re.compile(r"[/|]?(?:\.|\d{1,4})(?:[/|](?:\.|\d{1,4}))*")
_SYMBOLIC: Final = {"DEL": "del", "DUP": "dup", "INV": "inv", "INS": "ins", "CNV": "cnv", "BND": "bnd", "TRA": "bnd"}
_NUMBER: Final = re.compile(r"\d{1,9}")
_DIPLOID: Final = 2


def kind_of(reference: str, alternate: str, place: Place) -> str | None:
    """Return the word of an allele's change (``snv``, ``del``, ``bnd``), None for what is no allele (``*``, ``<NON_REF>``).

    Raises `Poison` ``vcf.bad-allele``.
    """
    if alternate in _NO_ALLELE or not alternate:
        return None
    if alternate.startswith("<") and alternate.endswith(">"):
        return _SYMBOLIC.get(
            re.split(r"[:>\d]", alternate[1:].upper())[0], "cnv" if "CN" in alternate.upper() else "structural"
        )
    if _BREAKEND.fullmatch(alternate):
        return "bnd"
    if not _BASES.fullmatch(reference) or not _BASES.fullmatch(alternate):
        raise Poison("vcf.bad-allele", "REF or ALT is neither bases nor a symbol of VCF.", place)
    if len(reference) == len(alternate):
        return "snv" if len(reference) == 1 else "mnv"
    if alternate.upper().startswith(reference.upper()):
        return "ins"
    return "del" if reference.upper().startswith(alternate.upper()) else "delins"


@dataclass(slots=True)
class Sample:
    """One sample's column of a record."""

    values: dict[str, Leaf]
    """By the keys of FORMAT; only those that hold something."""

    def call(self, number: int, alternates: int, place: Place) -> Call:
        """Return whether the sample has an allele (counted from 1); raise `Poison` ``vcf.bad-genotype``.

        Without GT, as of some callers of tumours, reads of the allele say it, and else that the record is there.
        """
        given = self.values.get("GT")
        if given is None:
            depth = self._of("AD", number, alternates + 1)
            fraction = self.fraction(number, alternates)
            counted = depth if depth is not None else None
            if counted is not None and _NUMBER.fullmatch(counted):
                return "present" if int(counted) > 0 else "absent"
            return "absent" if fraction is not None and fraction.value == 0 else "present"
        if not _GENOTYPE.fullmatch(given):
            raise Poison("vcf.bad-genotype", "GT is no genotype of VCF.", place)
        found = self._indices()
        if any(one > alternates for one in found if one is not None):
            raise Poison("vcf.bad-genotype", "GT names an allele that the record does not have.", place)
        return "present" if number in found else "unknown" if None in found else "absent"

    def _indices(self) -> list[int | None]:
        parts = re.split(r"[/|]", self.values["GT"].lstrip("/|"))
        return [None if part == "." else int(part) for part in parts]

    def state(self, number: int) -> Cell | None:
        """Return the allelic state: homozygous, heterozygous or hemizygous; None where the genotype leaves it open."""
        given = self.values.get("GT")
        found = self._indices() if given is not None else []
        if given is None or number not in found or None in found or len(found) > _DIPLOID:
            return None
        if len(found) == 1:
            return made("hemizygous", given)
        return made("homozygous" if set(found) == {number} else "heterozygous", given)

    def _of(self, key: str, place: int, size: int) -> Cell | None:
        """Return one value of a list of FORMAT, None where the list has not as many as it should."""
        given = self.values.get(key)
        parts = given.split(",") if given is not None else []
        one = parts[place].strip() if len(parts) == size and place < len(parts) else ""
        return made(one, given) if one and one != "." else None

    def fraction(self, number: int, alternates: int) -> Made | None:
        """Return the share of reads with an allele: AF or VAF as given, else out of AD."""
        for key in ("AF", "VAF", "FREQ"):
            given = self._of(key, number - 1, alternates)
            if given is None:
                continue
            share = _decimal(given.removesuffix("%"))
            if share is not None and given.endswith("%"):
                share = share.scaleb(-2)
            if share is not None and 0 <= share <= 1:
                return Made(share, (given,))
        counts = [self._of("AD", place, alternates + 1) for place in range(alternates + 1)]
        known = [one for one in counts if one is not None and _NUMBER.fullmatch(one)]
        return fraction_of(known[number], *known) if len(known) == alternates + 1 else None

    def depth(self, number: int, alternates: int) -> Made | None:
        """Return the reads of an allele."""
        given = self._of("AD", number, alternates + 1)
        return Made(int(given), (given,)) if given is not None and _NUMBER.fullmatch(given) else None

    def copies(self) -> Made | None:
        """Return the number of copies (CN)."""
        return copies_of(self.values.get("CN"))


def copies_of(given: Cell | None) -> Made | None:
    """Return a number of copies, None where the text is none."""
    found = _decimal(given) if given is not None else None
    return Made(found, (given,)) if found is not None and given is not None and 0 <= found <= 10_000 else None  # noqa: PLR2004 - beyond any genome


def _decimal(text: str) -> Decimal | None:
    if not re.fullmatch(r"[0-9]{1,9}(?:\.[0-9]{1,12})?(?:[eE]-?[0-9]{1,2})?", text):
        return None
    try:
        found = Decimal(text)
    except InvalidOperation:
        return None
    # FHIR's decimals are written without an exponent.
    return Decimal(format(found, "f"))
