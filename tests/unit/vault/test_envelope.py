"""The envelope: what Amazon's S3 encryption client writes in format version 2, and nothing weaker."""

import base64
import os

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import TenantId
from trialbridge.runtime.keys.keyring import FileKeyRing
from trialbridge.vault import envelope
from trialbridge.vault.envelope import encrypt_object, open_object

NORTH, HILL = TenantId("north"), TenantId("hill")
PLAIN = b"MSH|^~\\&|a patient's record" * 20


async def refused(
    ring: FileKeyRing, body: bytes, metadata: dict[str, str], tenant: TenantId = NORTH, **limits: int
) -> str:
    with pytest.raises(Refused) as error:
        await open_object(body, metadata, ring, tenant=tenant, **limits)
    assert not any(word in str(error.value) for word in ("MSH", "patient"))
    return error.value.code


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, envelope.INLINE, envelope.INLINE + 1, 3_000_000])
async def test_a_bundle_of_any_size_opens_for_its_tenant(ring: FileKeyRing, size: int) -> None:
    plain = os.urandom(size)
    body, metadata = await encrypt_object(plain, ring, tenant=NORTH)
    assert len(body) == size + 16
    assert await open_object(body, metadata, ring, tenant=NORTH) == plain


async def test_the_metadata_are_those_of_the_format(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    assert PLAIN[:16] not in body
    assert metadata.keys() == {
        "x-amz-key-v2", "x-amz-iv", "x-amz-cek-alg", "x-amz-wrap-alg", "x-amz-matdesc", "x-amz-tag-len",
        "x-amz-unencrypted-content-length",
    }  # fmt: skip
    fixed = {name: metadata[name] for name in ("x-amz-cek-alg", "x-amz-wrap-alg", "x-amz-tag-len")}
    assert fixed == {
        "x-amz-cek-alg": "AES/GCM/NoPadding",
        "x-amz-wrap-alg": "kms+context",
        "x-amz-tag-len": "128",
    }
    assert metadata["x-amz-unencrypted-content-length"] == str(len(PLAIN))
    assert msgspec.json.decode(metadata["x-amz-matdesc"]) == {
        "aws:x-amz-cek-alg": "AES/GCM/NoPadding",
        "tenant": "north",
    }
    assert len(base64.b64decode(metadata["x-amz-iv"])) == 12


async def test_an_object_that_another_program_wrote_opens(ring: FileKeyRing) -> None:
    """Written here by hand after the published format: key from the key service, body AES-256-GCM without additional data."""
    context = {"tenant": "north", "aws:x-amz-cek-alg": "AES/GCM/NoPadding"}
    key = await ring.data_key("north", context)
    nonce = os.urandom(12)
    metadata = {
        "X-Amz-Key-V2": base64.b64encode(key.wrapped).decode(),
        "X-Amz-Iv": base64.b64encode(nonce).decode(),
        "X-Amz-Cek-Alg": "AES/GCM/NoPadding",
        "X-Amz-Wrap-Alg": "kms+context",
        "X-Amz-Matdesc": '{ "tenant" : "north", "aws:x-amz-cek-alg": "AES\\/GCM\\/NoPadding" }',
        "X-Amz-Tag-Len": "128",
        "unrelated": "x",
    }
    body = AESGCM(key.plaintext).encrypt(nonce, PLAIN, None)
    assert await open_object(body, metadata, ring, tenant=NORTH) == PLAIN


async def test_each_object_has_a_key_and_a_nonce_of_its_own(ring: FileKeyRing) -> None:
    made = [await encrypt_object(PLAIN, ring, tenant=NORTH) for _ in range(50)]
    assert len({body for body, _ in made}) == 50
    for name in (envelope.KEY, envelope.NONCE):
        assert len({metadata[name] for _, metadata in made}) == 50


async def test_another_tenant_is_refused(ring: FileKeyRing) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    assert await refused(ring, body, metadata, HILL) == "envelope.wrong-tenant"
    forged = {**metadata, envelope.CONTEXT: metadata[envelope.CONTEXT].replace("north", "hill")}
    assert await refused(ring, body, forged, HILL) == "key.refused"


async def test_a_tenant_cannot_send_in_the_name_of_another(ring: FileKeyRing) -> None:
    """The forger holds hill's wrapping key and claims to be north."""
    from trialbridge.vault.wrapping import wrap

    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    theirs, data_key, nonce = ring._ring.scopes["hill"].keys["hill/1"], os.urandom(32), os.urandom(12)
    wrapped = wrap("hill/1", theirs, data_key, envelope.context_of(NORTH))
    forged = {
        **metadata,
        envelope.KEY: base64.b64encode(wrapped).decode(),
        envelope.NONCE: base64.b64encode(nonce).decode(),
    }
    body = AESGCM(data_key).encrypt(nonce, PLAIN, None)
    assert await refused(ring, body, forged) == "key.refused"


@pytest.mark.parametrize("name", envelope.REQUIRED)
async def test_an_absent_header_is_named(ring: FileKeyRing, name: str) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    del metadata[name]
    with pytest.raises(Refused) as error:
        await open_object(body, metadata, ring, tenant=NORTH)
    assert (error.value.code, error.value.place.field) == ("envelope.missing", name)


@pytest.mark.parametrize(
    ("name", "value", "code"),
    [
        (envelope.CIPHER, "AES/CBC/PKCS5Padding", "envelope.unsupported"),
        (envelope.CIPHER, "AES/GCM/NoPadding ", "envelope.unsupported"),
        (envelope.CIPHER, "115", "envelope.unsupported"),
        (envelope.WRAP, "kms", "envelope.unsupported"),
        (envelope.WRAP, "AESWrap", "envelope.unsupported"),
        (envelope.WRAP, "AES/GCM", "envelope.unsupported"),
        (envelope.WRAP, "", "envelope.unsupported"),
        (envelope.TAG, "96", "envelope.unsupported"),
        (envelope.TAG, "0128", "envelope.unsupported"),
        ("x-amz-key", "AAAA", "envelope.unsupported"),
        ("x-amz-3", "AAAA", "envelope.unsupported"),
        ("x-amz-crypto-instr-file", "", "envelope.unsupported"),
        ("X-AMZ-IV", "AAAA", "envelope.broken"),
        (envelope.CONTEXT, "", "envelope.broken"),
        (envelope.CONTEXT, "[]", "envelope.broken"),
        (envelope.CONTEXT, '{"tenant":1}', "envelope.broken"),
        (envelope.CONTEXT, "{}", "envelope.wrong-tenant"),
        (envelope.CONTEXT, '{"tenant":"north"}', "envelope.wrong-tenant"),
        (envelope.NONCE, "", "envelope.broken"),
        (envelope.NONCE, "AAAAAAAAAAAAAAAAAAAAAA==", "envelope.broken"),
        (envelope.NONCE, "é", "envelope.broken"),
        (envelope.NONCE, "AAAAAAAAAAAAAAAA", "envelope.tag-mismatch"),
        (envelope.KEY, "AAA", "envelope.broken"),
        (envelope.KEY, "AAB=", "envelope.broken"),
        (envelope.KEY, "", "key.refused"),
        (envelope.KEY, "AAAA", "key.refused"),
        (envelope.LENGTH, "0", "envelope.length-mismatch"),
        (envelope.LENGTH, f"0{len(PLAIN)}", "envelope.length-mismatch"),
    ],
)
async def test_a_header_that_is_not_as_agreed_is_refused(ring: FileKeyRing, name: str, value: str, code: str) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    assert await refused(ring, body, {**metadata, name: value}) == code


async def test_more_than_the_cap_is_refused_both_ways(ring: FileKeyRing, monkeypatch: pytest.MonkeyPatch) -> None:
    body, metadata = await encrypt_object(PLAIN, ring, tenant=NORTH)
    assert await refused(ring, body, metadata, max_bytes=len(body) - 1) == "envelope.too-large"
    assert await open_object(body, metadata, ring, tenant=NORTH, max_bytes=len(body)) == PLAIN
    monkeypatch.setattr(envelope, "BODY_LIMIT", len(body) - 1)
    assert await refused(ring, body, metadata) == "envelope.too-large"
    with pytest.raises(Refused) as error:
        await encrypt_object(PLAIN, ring, tenant=NORTH)
    assert error.value.code == "envelope.too-large"


async def test_a_tenant_without_a_key_is_refused(ring: FileKeyRing) -> None:
    with pytest.raises(Refused) as error:
        await encrypt_object(PLAIN, ring, tenant=TenantId("river"))
    assert error.value.code == "key.unknown"
