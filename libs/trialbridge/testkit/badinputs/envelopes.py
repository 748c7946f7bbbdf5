"""Objects that must not open: wrong keys, other tenants' contexts, other algorithms."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from trialbridge.contracts.errors import Place
from trialbridge.contracts.ids import SourceId, TenantId
from trialbridge.testkit.badinputs import good
from trialbridge.testkit.badinputs import locks as by
from trialbridge.testkit.badinputs.model import BadInput, Bundle, Group, Lock, refused
from trialbridge.testkit.places import HARBOR, HILL, NETWORK, NORTH, RIVER
from trialbridge.vault import envelope as e
from trialbridge.vault.containers.s3 import CIPHER_V3

PLAIN: Final = good.lines("never-opened")
BROKEN: Final = "envelope.broken"
UNSUPPORTED: Final = "envelope.unsupported"
OTHER: Final = "envelope.wrong-tenant"
ALGORITHMS: Final[Mapping[str, tuple[str, ...]]] = {
    e.CIPHER: ("AES/CBC/PKCS5Padding", "AES/CTR/NoPadding", "AES/GCM/nopadding", "ChaCha20-Poly1305", "none", ""),
    e.WRAP: ("AES/GCM", "AESWrap", "RSA-OAEP-SHA1", "kms", "none", ""),
    e.TAG: ("96", "64", "0", "128 ", ""),
}


def unopened(name: str, group: Group, lock: Lock, code: str, field: str | None = None) -> BadInput:
    """Return an object whose ticket is refused by the envelope or the key service."""
    return refused(name, group, Bundle(plain=PLAIN, lock=lock), code, Place(field=field))


def spelled(context: Mapping[str, str]) -> str:
    """Return an encryption context as it stands in the metadata."""
    return msgspec.json.encode(context, order="deterministic").decode()


def wrong_keys() -> Iterator[BadInput]:
    """Yield objects of senders with another key ring."""
    for source in (NORTH, RIVER, HARBOR, HILL):
        for turns, code in ((1, "key.refused"), (9, "key.unknown")):
            lock = by.under_foreign_ring(turns)
            bundle = Bundle(plain=PLAIN, tenant=source.tenant, source=source.id, lock=lock)
            yield refused(f"key {turns} of another ring, {source.tenant}", "wrong key", bundle, code)
    stranger = Bundle(
        plain=PLAIN, tenant=TenantId("stranger"), source=SourceId("stranger/ehr"), lock=by.under_foreign_ring(1)
    )
    yield refused("a tenant without a key", "wrong key", stranger, "key.unknown")


def wrong_tenants() -> Iterator[BadInput]:
    """Yield objects whose context is another tenant's, honestly or not."""
    right = e.context_of(NORTH.tenant)
    for owner in (RIVER.tenant, HARBOR.tenant, HILL.tenant):
        yield unopened(f"object of {owner}", "wrong tenant", by.of_other(owner), OTHER, e.CONTEXT)
    for number, context in enumerate(
        ({}, {"tenant": str(NORTH.tenant)}, {**right, "more": "1"}, {**right, "tenant": ""}, {**right, "tenant": "NORTH"})
    ):  # fmt: skip
        lock = by.on_value(e.CONTEXT, by.instead(spelled(context)))
        yield unopened(f"context {number}", "wrong tenant", lock, OTHER, e.CONTEXT)
    for text in ("[]", '{"tenant":1}', "null", ""):
        lock = by.on_value(e.CONTEXT, by.instead(text))
        yield unopened(f"context {text!r}", "wrong tenant", lock, BROKEN, e.CONTEXT)
    for owner in (RIVER.tenant, HILL.tenant):
        # Its data key was bound to the tenant whose object it was.
        lock = by.of_other(owner, lambda given: {**given, e.CONTEXT: spelled(right)})
        yield unopened(f"relabelled object of {owner}", "wrong tenant", lock, "key.refused")


def wrong_wrapped_keys() -> Iterator[BadInput]:
    """Yield objects with a wrapped data key that is not theirs."""
    own = e.context_of(NORTH.tenant)
    for number in range(3):
        lock = by.with_key_of(NORTH.tenant, own)
        yield unopened(f"key of another object {number}", "wrong wrapped key", lock, "envelope.tag-mismatch", "body")
    for owner in (RIVER.tenant, HARBOR.tenant, HILL.tenant):
        lock = by.with_key_of(owner, e.context_of(owner))
        yield unopened(f"key of {owner}", "wrong wrapped key", lock, "key.refused")
    yield unopened(
        "key of the network", "wrong wrapped key", by.with_key_of(NETWORK, {"network": NETWORK}), "key.refused"
    )
    for raw in (b"", b"\0", b"\x02" * 70, b"\x01\xff" + b"a" * 80, b"\x01\x00" + b"a" * 60):
        lock = by.on_value(e.KEY, by.instead(raw))
        yield unopened(f"key of {len(raw)} odd bytes", "wrong wrapped key", lock, "key.refused")


def unknown_algorithms() -> Iterator[BadInput]:
    """Yield objects in other ciphers, wrappings and versions of the format."""
    for name, values in ALGORITHMS.items():
        for value in values:
            lock = by.on_value(name, by.instead(value))
            yield unopened(f"{name} {value!r}", "unknown algorithm", lock, UNSUPPORTED, name)
    for name in sorted(e.FOREIGN):
        # The cipher header of version 3 makes it one of those: what is too much then is version 2's.
        extra = e.CIPHER if name == CIPHER_V3 else name
        yield unopened(f"with {name}", "unknown algorithm", by.added(name, "x"), UNSUPPORTED, extra)
    yield unopened("not encrypted", "unknown algorithm", by.in_clear, "envelope.missing", e.KEY)
    yield unopened("a header twice", "unknown algorithm", by.twice(e.KEY), BROKEN, "metadata")


def envelopes() -> Iterator[BadInput]:
    """Yield all of them."""
    yield from wrong_keys()
    yield from wrong_tenants()
    yield from wrong_wrapped_keys()
    yield from unknown_algorithms()
