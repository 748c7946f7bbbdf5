"""Tables and variant files changed at random: no crash, located errors, valid output, every leaf with its fate."""

import random
import zlib
from collections.abc import Callable

import pytest

from tests.unit.emr.ccda.documents import references_in
from tests.unit.emr.csv.tables import feed_of
from tests.unit.emr.genomics.files import MAPPING, egfr, vcf
from tests.unit.emr.genomics.test_maf import maf
from trialbridge.contracts.errors import Place
from trialbridge.emr.convert import convert
from trialbridge.emr.csv.mapping import read_mapping
from trialbridge.emr.fhir.checks import check
from trialbridge.emr.fhir.models import check_by_model
from trialbridge.emr.records import Entry

CSQ = "CSQ=T|missense_variant|MODERATE|KRAS|ENST1|2/5|c.35G>A|ENSP1:p.Gly12Asp|HGNC:6407|1|YES|pathogenic|"
RECORDS = (
    egfr(),
    f"12 25245350 rs1;rs2 C T,A 9.1 . SOMATIC;{CSQ} GT:AD:DP 0/1:9,4,0:13",
    "17 39700000 . N <DUP> . PASS END=39730000;SVTYPE=DUP GT:CN ./1:12",
    "2 42295516 b N N]2:29223528] . PASS SVTYPE=BND GT 0|1",
)
TABLES = {
    "condition": b"mrn,conditionId,codeSystem,code,displayName,dateOfDiagnosis,clinicalStatus,bodySite,laterality,histology\n"
    b'7,c1,ICD-10-CM,C50.911,"Breast, cancer",2024-05,active,76752008,7771000,82711006\n8,c2,SCT,254637007,Lung,2024-05-06,,,,\n',
    "adverse": b"mrn;adverseEventId;adverseEventCode;category;categoryCodeSystem;effectiveDate;grade\n7;a1;10;x|y;http://x|;12-09-2024;3\n",
    "observation": b"mrn\tobservationId\tstatus\tcode\tcodeSystem\tvalue\teffectiveDate\n7\to1\tfinal\t718-7\tLN\t10.5 g/dL\t2026\n",
}
VARIANTS = {"text/vcf": vcf(*RECORDS), "text/maf": maf({}, {"Variant_Classification": "Fusion", "Fusion": "EML4-ALK"})}
BITS = (
    b"\x00", b'"', b",", b"\t", b"\n", b"\r", b"|", b"\xff", "é".encode("cp1252"), b"9" * 40, b"-1", b"1e9", b"<", b"=", b"%3",
    b"\xe2\x80\xae",
)  # fmt: skip


def mutated(body: bytes, draw: random.Random) -> bytes:
    """Return the bytes with some deleted, doubled, swapped, cut off or replaced."""
    found = bytearray(body)
    for _ in range(draw.randint(1, 6)):
        at, size = draw.randrange(len(found) + 1), draw.choice((1, 1, 2, 8, 40))
        what = draw.randrange(6)
        if what == 0:
            del found[at : at + size]
        elif what == 1:
            found[at:at] = found[at : at + size]
        elif what == 2:
            found[at : at + size] = draw.choice(BITS)
        elif what == 3:
            found[at:at] = draw.choice(BITS) * draw.choice((1, 1, 3))
        elif what == 4:
            lines = bytes(found).split(b"\n")
            draw.shuffle(lines)
            found = bytearray(b"\n".join(lines))
        elif draw.random() < 0.3:
            del found[at:]
    return bytes(found)


def survive(media_type: str, body: bytes, *, by_model: bool) -> None:
    """Convert a mutated file and check all that is promised of any input."""
    found = convert([Entry("file", media_type, body)], feed_of(read_mapping(MAPPING.encode(), "m")))
    every = [*found.shared, *(one for patient in found.patients for one in patient.resources)]
    known = {f"{one['resourceType']}/{one['id']}" for one in every}
    for resource in every:
        check(resource, Place())
        if by_model:
            check_by_model(resource, Place())
        assert set(references_in(resource)) <= known
    for one in found.set_aside:
        assert one.error.place.entry == "file"
        assert one.error.code.partition(".")[0] in ("csv", "vcf", "maf", "genomics", "fhir")
    assert found.account["leaves"]["unaccounted"] == 0


def csv_of(draw: random.Random) -> tuple[str, bytes]:
    return "text/csv", draw.choice(list(TABLES.values()))


def vcf_of(draw: random.Random) -> tuple[str, bytes]:
    body = VARIANTS["text/vcf"]
    if draw.random() < 0.1:
        packed = zlib.compressobj(wbits=31)
        return "text/vcf", packed.compress(body) + packed.flush()
    return "text/vcf", body


def maf_of(draw: random.Random) -> tuple[str, bytes]:
    del draw
    return "text/maf", VARIANTS["text/maf"]


FORMATS = (csv_of, vcf_of, maf_of)


def run(pick: Callable[[random.Random], tuple[str, bytes]], count: int, seed: int) -> None:
    for number in range(count):
        draw = random.Random(f"{seed}/{number}")
        media_type, body = pick(draw)
        survive(media_type, mutated(body, draw), by_model=number % 20 == 0)


@pytest.mark.parametrize("pick", FORMATS)
def test_two_hundred_mutated_files_of_each_format_are_survived(
    pick: Callable[[random.Random], tuple[str, bytes]],
) -> None:
    run(pick, 200, seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("pick", FORMATS)
def test_ten_thousand_mutated_files_of_each_format_are_survived(
    pick: Callable[[random.Random], tuple[str, bytes]],
) -> None:
    run(pick, 10_000, seed=2)
