"""Containers that are cut or damaged, and archive members whose names would lead out of a folder."""

from collections.abc import Iterator
from random import Random
from typing import Final

from trialbridge.contracts.errors import Place
from trialbridge.testkit import packing
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs.bombs import tar_of_one, zip_of_one
from trialbridge.testkit.badinputs.model import BadInput, Bundle, Fault, refused, set_aside

BROKEN: Final = "container.broken"
NAMES: Final = (
    "../../../../var/trialbridge-slip.ndjson", "/var/trialbridge-slip.ndjson", "..\\..\\trialbridge-slip.ndjson",
    "C:\\trialbridge-slip.ndjson", "a/../../../trialbridge-slip.ndjson", "~/.ssh/authorized_keys", "file:///etc/passwd",
    "a\nb.ndjson", "<script>alert(1)</script>.ndjson", "%2e%2e%2ftrialbridge-slip.ndjson", "CON", "x" * 240, "....//slip",
    "trialbridge-slip\u202enosjdn.",
)  # fmt: skip
"""Names that a careless reader would write to, or show."""


def cut(rng: Random) -> Iterator[BadInput]:
    """Yield bundles whose compressed content ends too early."""
    plain = b"".join(good.lines(f"cut-{number}") for number in range(20))
    packed = {
        "gzip": packing.gzipped(plain), "zstd": packing.zstandardised(plain), "zip": zip_of_one(plain),
    }  # fmt: skip
    for kind, body in packed.items():
        for length in sorted({len(body) - 1, len(body) - 8, *rng.sample(range(20, len(body) - 20), 4)}):
            yield refused(f"{kind} of {length} bytes", "truncated", Bundle(plain=body[:length]), BROKEN)
    tar = tar_of_one(plain)
    for length in sorted(rng.sample(range(520, len(plain)), 4)):
        yield refused(f"tar of {length} bytes", "truncated", Bundle(plain=tar[:length]), BROKEN)


def damaged(rng: Random) -> Iterator[BadInput]:
    """Yield compressed bundles with damage in their checksums or in the middle."""
    plain = b"".join(good.lines(f"damaged-{number}") for number in range(20))
    gzip = packing.gzipped(plain)
    for place in sorted({*range(len(gzip) - 8, len(gzip), 2), *rng.sample(range(400, 700), 2)}):
        body = gzip[:place] + bytes([gzip[place] ^ 0x55]) + gzip[place + 1 :]
        yield refused(f"gzip damaged at {place}", "unusable container", Bundle(plain=body), BROKEN)


def spoiled_members() -> Iterator[BadInput]:
    """Yield archives with a good member and one whose own container cannot be opened."""
    gzip = packing.gzipped(good.lines("spoiled"))
    members = {
        "a cut gzip": gzip[:-9], "a cut zstd": packing.zstandardised(good.lines("spoiled"))[:-5],
        "a cut zip": zip_of_one(good.lines("spoiled"))[:-30], "gzip with noise behind it": gzip + b"noise",
    }  # fmt: skip
    for number, (name, body) in enumerate(members.items()):
        for kind, pack in (("tar", packing.tarred), ("zip", packing.zipped)):
            local = f"beside-{kind}-{number}"
            plain = pack([("a.ndjson", good.lines(local)), ("b.bin", body)])
            fault = Fault(BROKEN, Place(entry="2"))
            yield set_aside(f"{name} in a {kind}", "unusable container", Bundle(plain=plain), (fault,), (local,))


def hostile_names() -> Iterator[BadInput]:
    """Yield archives whose second member has a name that leads elsewhere, and content that is no record.

    Names are neither kept nor followed, so only the content is bad.
    """
    for number, name in enumerate(NAMES):
        for kind, pack in (("tar", packing.tarred), ("zip", packing.zipped)):
            local = f"slip-{kind}-{number}"
            plain = pack([("a.ndjson", good.lines(local)), (name, b"root:x:0:0\n")])
            fault = Fault("json.broken", Place(entry="2", message=1))
            yield set_aside(f"name {number} in a {kind}", "hostile name", Bundle(plain=plain), (fault,), (local,))
