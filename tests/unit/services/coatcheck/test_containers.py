"""What bundles are packed in: every container, nested, damaged, cut short."""

import gzip
import io
import tarfile
import zipfile

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from services.coatcheck.containers.limits import Limits
from services.coatcheck.containers.unpack import Spoiled, Unpacked, unpack
from trialbridge.contracts.errors import Refused
from trialbridge.testkit.packing import gzipped, tarred, zipped, zstandardised

LIMITS = Limits()
RECORD = b'{"resourceType":"Patient","id":"p1"}\n'


def files(body: bytes, limits: Limits = LIMITS) -> list[tuple[str, str, bytes]]:
    found = list(unpack(body, limits))
    assert all(isinstance(one, Unpacked) for one in found)
    return [(one.entry, one.suffix, one.body) for one in found if isinstance(one, Unpacked)]


def refusal(body: bytes, limits: Limits = LIMITS) -> Refused:
    with pytest.raises(Refused) as refused:
        list(unpack(body, limits))
    return refused.value


@pytest.mark.parametrize("pack", [bytes, gzipped, zstandardised, lambda b: gzipped(zstandardised(b))])
def test_a_single_file_comes_out_of_any_stream(pack: object) -> None:
    assert callable(pack)
    assert files(pack(RECORD)) == [("1", "", RECORD)]
    assert files(pack(b"")) == [("1", "", b"")]


@pytest.mark.parametrize("archive", [tarred, zipped])
@pytest.mark.parametrize("stream", [bytes, gzipped, zstandardised])
def test_members_come_out_in_order_numbered_and_never_named(archive: object, stream: object) -> None:
    assert callable(archive)
    assert callable(stream)
    body = stream(archive([("ward/SMITH^JOHN.NDJSON", b"one"), ("b.hl7", b"two"), ("c", b"")]))
    assert files(body) == [("1", ".ndjson", b"one"), ("2", ".hl7", b"two"), ("3", "", b"")]


def test_archives_nest_and_their_numbers_say_how() -> None:
    inner = tarred([("a.json", b"A"), ("b.json.gz", gzipped(b"B"))])
    assert files(zipped([("x.json", b"X"), ("inner.tar.zst", zstandardised(inner))])) == [
        ("1", ".json", b"X"),
        ("2/1", ".json", b"A"),
        ("2/2", ".json", b"B"),
    ]


def test_streams_of_several_members_and_frames_are_read_to_the_end() -> None:
    assert files(gzipped(b"a") + gzipped(b"b") + bytes(512)) == [("1", "", b"ab")]
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00xyz"
    assert files(zstandardised(b"a") + skippable + zstandardised(b"b")) == [("1", "", b"ab")]
    unsized = zstandard.ZstdCompressor(write_content_size=False, write_checksum=True).compress(RECORD * 50_000)
    assert files(unsized) == [("1", "", RECORD * 50_000)]


@given(st.binary(max_size=3000), st.sampled_from([gzipped, zstandardised, lambda b: tarred([("n", b)])]))
def test_whatever_was_packed_comes_back(content: bytes, pack: object) -> None:
    assert callable(pack)
    if content[:2] not in (b"\x1f\x8b", b"PK") and content[:4] != b"\x28\xb5\x2f\xfd":
        assert [body for _, _, body in files(pack(content))] == [content]


@pytest.mark.parametrize("kind", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tar_of_every_dialect_with_long_names_and_folders(kind: int) -> None:
    out = io.BytesIO()
    long = "/".join(["folder"] * 13) + "/ü.json" if kind != tarfile.USTAR_FORMAT else "folder/x.json"
    with tarfile.open(fileobj=out, mode="w", format=kind) as archive:
        folder = tarfile.TarInfo("folder")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name in (long, "b.hl7"):
            info = tarfile.TarInfo(name)
            info.size = len(RECORD)
            archive.addfile(info, io.BytesIO(RECORD))
    assert files(out.getvalue()) == [("1", ".json", RECORD), ("2", ".hl7", RECORD)]


@pytest.mark.parametrize("pack", [gzipped, zstandardised, lambda b: zipped([("a", b)]), lambda b: tarred([("a", b)])])
@pytest.mark.parametrize("keep", [0.3, 0.6, 0.95])
def test_what_is_cut_short_is_refused_never_half_taken(pack: object, keep: float) -> None:
    assert callable(pack)
    body = pack(RECORD * 200 + bytes(range(256)) * 20)
    if keep == 0.95 and pack(b"")[:1] not in (b"\x1f", b"\x28", b"P"):
        return  # a tar's last blocks are padding: without them nothing is missing
    assert refusal(body[: int(len(body) * keep)]).code == "container.broken"


@pytest.mark.parametrize("pack", [gzipped, lambda b: zipped([("a", b)])])
def test_a_changed_byte_fails_the_checksum(pack: object) -> None:
    assert callable(pack)
    body = bytearray(pack(bytes(range(256)) * 40))
    body[len(body) // 3] ^= 0x10
    assert refusal(bytes(body)).code == "container.broken"


def test_a_broken_member_is_set_aside_and_the_others_go_on() -> None:
    torn = gzipped(RECORD * 100)[:-20]
    found = list(unpack(zipped([("a.json", b"A"), ("b.gz", torn), ("c.json", b"C")]), LIMITS))
    assert [one.body for one in found if isinstance(one, Unpacked)] == [b"A", b"C"]
    (spoiled,) = [one for one in found if isinstance(one, Spoiled)]
    assert (spoiled.error.code, spoiled.error.place.entry, spoiled.payload) == ("container.broken", "2", torn)


def test_encrypted_and_exotic_zips_are_not_taken() -> None:
    for how in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", how) as archive:
            archive.writestr("a", RECORD)
        assert refusal(out.getvalue()).code == "container.unsupported"
    locked = bytearray(zipped([("a", RECORD)]))
    locked[6] |= 1
    locked[locked.find(b"PK\x01\x02") + 8] |= 1
    assert refusal(bytes(locked)).code == "container.unsupported"


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_are_not_taken(kind: bytes) -> None:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        info = tarfile.TarInfo("a")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    assert refusal(out.getvalue()).code == "container.unsupported"


def test_text_that_only_begins_like_a_container_is_broken_not_records() -> None:
    assert refusal(b"\x1f\x8b" + RECORD).code == "container.broken"
    assert refusal(b"PK\x03\x04" + RECORD).code == "container.broken"
    assert gzip.decompress(gzipped(RECORD)) == RECORD
