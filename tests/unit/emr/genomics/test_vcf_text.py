"""The text of VCF: compressed by gzip and bgzip, with caps; any line end; header lines by their parts."""

import gzip
import random

import pytest

from tests.unit.emr.csv.tables import errors_of, resources_of
from tests.unit.emr.genomics.files import convert_file, egfr, variants, vcf
from trialbridge.contracts.errors import Place, Poison
from trialbridge.emr.genomics import vcf_text
from trialbridge.emr.genomics.vcf_text import Header, inflate, text_lines
from trialbridge.emr.jsontext import canonical
from trialbridge.emr.sniff import media_type_of

BODY = vcf(egfr())


def blocks(body: bytes, size: int = 100) -> bytes:
    """Return the bytes as bgzip writes them: many small members, and an empty one at the end."""
    return b"".join(gzip.compress(body[at : at + size], mtime=0) for at in range(0, len(body), size)) + gzip.compress(
        b"", mtime=0
    )


@pytest.mark.parametrize("packed", [gzip.compress(BODY), blocks(BODY), blocks(BODY) + b"\0" * 9, blocks(BODY, 30)])
def test_compressed_files_are_the_same_files(packed: bytes) -> None:
    assert media_type_of("x.vcf.gz", packed) == "text/vcf"
    found = convert_file(packed)
    assert canonical(resources_of(found)) == canonical(resources_of(convert_file(BODY)))
    assert len(variants(found)) == 1


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_do_not_matter(end: str) -> None:
    other = BODY.replace(b"\n", end.encode())
    assert canonical(resources_of(convert_file(other))) == canonical(resources_of(convert_file(BODY)))


def test_lines_are_the_same_wherever_the_pieces_end(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = b"a\r\nb\r\rc\n\n\r\nd" * 50
    expected = list(text_lines(whole, Place()))
    for size in range(1, 12):
        monkeypatch.setattr(vcf_text, "_CHUNK", size)
        assert list(text_lines(whole, Place())) == expected


@pytest.mark.parametrize(
    "packed",
    [blocks(BODY)[:-40], gzip.compress(BODY)[:-9], gzip.compress(BODY)[:30] + b"xxxx" + gzip.compress(BODY)[34:]],
)
def test_a_damaged_file_is_refused_as_such(packed: bytes) -> None:
    codes = [code for code, _ in errors_of(convert_file(packed))]
    assert codes == ["vcf.broken-gzip"]


def test_a_file_that_unfolds_without_end_is_refused_early(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vcf_text, "_FREE", 10_000)
    bomb = gzip.compress(b"0" * 50_000_000)
    pieces: list[int] = []
    with pytest.raises(Poison, match="too-large"):
        pieces.extend(len(piece) for piece in inflate(bomb, Place()))
    assert sum(pieces) <= vcf_text.MOST_RATIO * len(bomb)


def test_a_line_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vcf_text, "LONGEST_LINE", 1000)
    monkeypatch.setattr(vcf_text, "_CHUNK", 500)
    assert [code for code, _ in errors_of(convert_file(BODY + b"x" * 5000))] == ["vcf.long-line"]


def test_random_bytes_behind_the_sign_of_gzip_are_refused() -> None:
    draw = random.Random(3)
    for _ in range(50):
        body = b"\x1f\x8b" + draw.randbytes(60)
        with pytest.raises(Poison):
            list(inflate(body, Place()))


@pytest.mark.parametrize(
    ("line", "assembly"),
    [
        ("##reference=file:///ref/GRCh38.d1.vd1.fa", "GRCh38"),
        ("##reference=/data/hg19/ucsc.hg19.fasta", "GRCh37"),
        ("##contig=<ID=chr1,length=248956422,assembly=b37>", "GRCh37"),
        ("##reference=human37.fa", None),
        ("##assembly=GRCh37", "GRCh37"),
    ],
)
def test_the_assembly_is_told_by_its_name_alone(line: str, assembly: str | None) -> None:
    header = Header()
    header.take(line)
    assert header.assembly == assembly


def test_patients_and_pairs_of_samples_are_read() -> None:
    header = Header()
    header.take('##SAMPLE=<ID=T,Genomes=Germline;Tumor,Individual="4711",Description="a, b">')
    header.take("##PEDIGREE=<ID=T2,Original=N2>")
    assert header.patient_of("T") == "4711"
    assert (header.normals, header.derived) == ({"N2"}, {"T2": "N2"})
