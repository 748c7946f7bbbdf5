"""What each container refuses by name: weaker forms, passphrases, what is not encrypted, forged heads, bombs."""

import base64
import os
from pathlib import Path

import msgspec
import pyrage
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7EnvelopeBuilder, PKCS7Options
from openpgp.composed import SignedPublicKey
from openpgp.util import (
    encrypt_message_to_recipient,
    encrypt_message_to_recipient_bytes,
    encrypt_message_to_recipients_bytes,
    encrypt_message_with_password_bytes,
    sign_message,
)

from tests.unit.vault.sealed import HILL, NORTH, PLAIN, keys, sealed, secret, stored
from tests.unit.vault.test_container_tools import gpg
from tests.unit.vault.test_containers import refused
from trialbridge.contracts.errors import Refused
from trialbridge.contracts.ids import Digest
from trialbridge.testkit.fakes import MemoryKeys
from trialbridge.vault.containers import cms, esdk, s3
from trialbridge.vault.containers.age import STANZA_LIMIT
from trialbridge.vault.containers.model import Stored
from trialbridge.vault.containers.openpgp_head import HEAD_LIMIT, read_head
from trialbridge.vault.containers.openpgp_packets import binary
from trialbridge.vault.containers.table import open_bundle
from trialbridge.vault.recipients import openpgp_key


@pytest.fixture
def held() -> MemoryKeys:
    return keys()


def recipient() -> pyrage.x25519.Recipient:
    return pyrage.x25519.Identity.from_str(secret("age", "north").decode()).to_public()


def certificate() -> SignedPublicKey:
    return openpgp_key(secret("openpgp", "north")).to_public_key()


def encrypted(plain: bytes, *to: SignedPublicKey) -> bytes:
    return encrypt_message_to_recipients_bytes(plain, list(to), version="seipd-v1")


async def test_an_age_passphrase_is_refused_before_its_work_is_done(held: MemoryKeys) -> None:
    body = pyrage.passphrase.encrypt(PLAIN, "open sesame")
    assert await refused(stored(body), held) == "envelope.unsupported"
    other = pyrage.encrypt(PLAIN, [recipient()]).replace(b"-> X25519", b"-> scrypt AAAA 30\nAAAA\n-> X25519", 1)
    assert await refused(stored(other), held) == "envelope.unsupported"


async def test_armoured_and_endless_and_crowded_age_files_are_refused(held: MemoryKeys) -> None:
    assert await refused(stored(pyrage.encrypt(PLAIN, [recipient()], armored=True)), held) == "envelope.unsupported"
    assert await refused(stored(b"age-encryption.org/v1\n" + b"-> X25519 a\n" * 9000), held) == "envelope.broken"
    crowd = [pyrage.x25519.Identity.generate().to_public() for _ in range(STANZA_LIMIT)]
    assert await refused(stored(pyrage.encrypt(PLAIN, [*crowd, recipient()])), held) == "envelope.unsupported"
    assert (await open_bundle(stored(pyrage.encrypt(PLAIN, [crowd[0], recipient()])), held)).whole() == PLAIN
    assert await refused(stored(pyrage.encrypt(PLAIN, crowd[:2])), held) == "key.refused"


@pytest.mark.parametrize("cut", [1, 16, 17, 65_536 + 16])
async def test_an_age_file_without_its_last_chunk_is_refused(held: MemoryKeys, cut: int) -> None:
    whole = pyrage.encrypt(os.urandom(65_536 * 3), [recipient()])
    assert await refused(stored(whole[:-cut]), held) == "envelope.tag-mismatch"


async def test_an_openpgp_message_must_be_encrypted_and_protected(held: MemoryKeys) -> None:
    signed = sign_message(PLAIN, openpgp_key(secret("openpgp", "north"))).encode()
    for body in (signed, encrypt_message_with_password_bytes(PLAIN, "x", version="seipd-v1")):
        assert await refused(stored(body), held) == "envelope.unsupported"
    good = encrypted(PLAIN, certificate())
    hidden = encrypt_message_to_recipient_bytes(PLAIN, certificate(), version="seipd-v1", anonymous_recipient=True)
    assert await refused(stored(hidden), held) == "envelope.unsupported"
    at = 2 + good[1]  # behind the session key, whose length is one octet
    assert good[at] == 0xD2
    unprotected = good[:at] + b"\xc9" + good[at + 1 :]
    assert await refused(stored(unprotected), held) == "envelope.unsupported"
    both = [certificate(), openpgp_key(secret("openpgp", "hill")).to_public_key()]
    assert (await open_bundle(stored(encrypted(PLAIN, *both)), held)).whole() == PLAIN
    assert await refused(stored(encrypted(PLAIN, *both[1:])), held) == "key.refused"


async def test_an_openpgp_armour_that_is_damaged_is_refused(held: MemoryKeys) -> None:
    armoured = encrypt_message_to_recipient(PLAIN, certificate(), version="seipd-v1").encode()
    assert (await open_bundle(stored(armoured.replace(b"\n", b"\r\n")), held)).whole() == PLAIN
    assert (await open_bundle(stored(armoured + b" \r\n" * 900), held)).whole() == PLAIN
    for body in (
        armoured[:-30],
        armoured + b"x",
        armoured.replace(b"\n\n", b"\n"),
        armoured[:60] + b"*" + armoured[61:],
        armoured + b" " * 5000,
    ):
        assert await refused(stored(body), held) == "envelope.broken"


async def test_endless_openpgp_packets_are_refused(held: MemoryKeys) -> None:
    assert (await refused(stored(b"\xc1\x0d\x03" + b"k" * 12 + b"\xc1\x0d\x03" * 30_000), held)).startswith("envelope.")
    crowd = (b"\xc1\x0c\x03" + b"k" * 11) * (HEAD_LIMIT // 10)
    assert await refused(stored(crowd), held) == "envelope.broken"


async def test_a_compressed_openpgp_message_is_stopped_at_the_cap(held: MemoryKeys, tmp_path: Path) -> None:
    bomb = gpg(tmp_path, bytes(64 << 20))
    assert len(bomb) < 1 << 20
    assert await refused(Stored(bomb, {}, NORTH, Digest(""), {}, 1 << 20), held) == "envelope.too-large"


async def test_an_outer_packet_that_is_not_encrypted_is_refused_by_its_tag(held: MemoryKeys) -> None:
    good = encrypted(PLAIN, certificate())
    at = 2 + good[1]
    for tag in (8, 9, 11, 20):
        body = good[:at] + bytes([0xC0 | tag]) + good[at + 1 :]
        with pytest.raises(Refused, match="integrity-protected"):
            read_head(binary(body))


async def test_cms_with_pkcs1_padding_is_refused(held: MemoryKeys) -> None:
    public = x509.load_pem_x509_certificate(secret("cms", "north"))
    body = PKCS7EnvelopeBuilder().set_data(PLAIN).add_recipient(public).encrypt(Encoding.DER, [PKCS7Options.Binary])
    assert await refused(stored(body), held) == "envelope.unsupported"
    assert await refused(stored(b"-----BEGIN CMS-----\n"), held) == "envelope.unsupported"
    assert await refused(stored(b"MIME-Version: 1.0\n"), held) == "envelope.unsupported"


async def test_cms_without_authentication_opens_only_as_its_ticket_pins_it(held: MemoryKeys) -> None:
    public = x509.load_pem_x509_certificate(secret("cms", "north"))
    body = cms.written(PLAIN, public, gcm=False)
    assert (await open_bundle(stored(body), held)).whole() == PLAIN
    for digest in ("", "0" * 64):
        assert await refused(Stored(body, {}, NORTH, Digest(digest)), held) == "envelope.unauthenticated"
    changed = body[:-20] + bytes([body[-20] ^ 1]) + body[-19:]
    assert await refused(Stored(changed, {}, NORTH, stored(body).sha256), held) == "envelope.unauthenticated"


async def test_aws_messages_without_commitment_or_frames_are_refused(held: MemoryKeys) -> None:
    import aws_encryption_sdk

    (key,) = await held.private_keys(NORTH, "esdk")
    provider = esdk._provider(key, public=True)
    loose = aws_encryption_sdk.EncryptionSDKClient(
        commitment_policy=aws_encryption_sdk.CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
    )
    strict = esdk._client()
    context = {"tenant": "north"}
    body, _ = loose.encrypt(source=PLAIN, key_provider=provider, encryption_context=context)
    assert await refused(stored(body), held) == "envelope.unsupported"
    body, _ = strict.encrypt(source=PLAIN, key_provider=provider, encryption_context=context, frame_length=0)
    assert await refused(stored(body), held) == "envelope.unsupported"
    for length in (128, 384, 512):
        body, _ = strict.encrypt(source=PLAIN, key_provider=provider, encryption_context=context, frame_length=length)
        if length < esdk.LEAST_FRAME:
            assert await refused(stored(body), held) == "envelope.unsupported"
        else:
            assert (await open_bundle(stored(body), held)).whole() == PLAIN
    for told in ({}, {"tenant": "hill"}, {"Tenant": "north"}):
        body, _ = strict.encrypt(source=PLAIN, key_provider=provider, encryption_context=told)
        assert await refused(stored(body), held) == "envelope.wrong-tenant"
    suite = aws_encryption_sdk.Algorithm.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
    body, _ = strict.encrypt(
        source=PLAIN, key_provider=provider, encryption_context={**context, "a": "b"}, algorithm=suite
    )
    assert (await open_bundle(stored(body), held)).whole() == PLAIN
    assert await refused(stored(body + b"\0"), held) == "envelope.tag-mismatch"


async def test_an_s3_object_that_does_not_commit_to_its_key_is_refused(held: MemoryKeys) -> None:
    one = await sealed("s3-v3", held)
    other = base64.b64encode(bytes(28)).decode()
    forged = dict(one.metadata) | {s3.COMMITMENT: other}
    assert await refused(stored(one.body, forged), held) == "envelope.commitment-mismatch"
    forged = dict(one.metadata) | {s3.MESSAGE_ID: other}
    assert await refused(stored(one.body, forged), held) == "envelope.commitment-mismatch"


async def test_version_3_is_as_its_specification_writes_it(held: MemoryKeys) -> None:
    """Written here by hand: HKDF-SHA512 with the message id as salt, the suite's id and a word as info, a fixed nonce."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA512
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    context, message = {"tenant": "north", "aws:x-amz-cek-alg": "115"}, os.urandom(28)
    key = await held.data_key("north", context)
    content = HKDF(SHA512(), 32, message, b"\x00\x73DERIVEKEY").derive(key.plaintext)
    commitment = HKDF(SHA512(), 28, message, b"\x00\x73COMMITKEY").derive(key.plaintext)
    body = AESGCM(content).encrypt(b"\x01" * 12, PLAIN, b"\x00\x73")
    text = {"x-amz-3": key.wrapped, "x-amz-d": commitment, "x-amz-i": message}
    metadata = {name: base64.b64encode(raw).decode() for name, raw in text.items()}
    metadata |= {"X-Amz-C": "115", "x-amz-w": "12", "x-amz-t": msgspec.json.encode(context).decode(), "unrelated": "x"}
    assert (await open_bundle(stored(body, metadata), held)).whole() == PLAIN


@pytest.mark.parametrize("name", ["s3-v2", "s3-v3"])
async def test_a_context_that_says_a_name_twice_is_refused(held: MemoryKeys, name: str) -> None:
    one = await sealed(name, held)
    header = s3.CONTEXT_V3 if name == "s3-v3" else "x-amz-matdesc"
    twice = one.metadata[header].replace("{", '{"tenant":"hill",', 1)
    assert await refused(stored(one.body, dict(one.metadata) | {header: twice}), held) == "envelope.broken"
    spaced = one.metadata[header].replace('":', '": ')
    assert (await open_bundle(stored(one.body, dict(one.metadata) | {header: spaced}), held)).whole() == PLAIN


@pytest.mark.parametrize("name", s3.REQUIRED_V3)
async def test_a_header_of_version_3_that_is_absent_or_weaker_is_refused(held: MemoryKeys, name: str) -> None:
    one = await sealed("s3-v3", held)
    without = {key: value for key, value in one.metadata.items() if key != name}
    # Without its cipher's name it is taken for version 2, which knows nothing of the other headers.
    expected = "envelope.unsupported" if name == s3.CIPHER_V3 else "envelope.missing"
    assert await refused(stored(one.body, without), held) == expected
    assert (await refused(stored(one.body, dict(one.metadata) | {name: "02"}), held)).startswith(("envelope.", "key."))
    both = dict(one.metadata) | {"x-amz-key-v2": "AAAA"}
    assert await refused(stored(one.body, both), held) == "envelope.unsupported"
    assert await refused(stored(one.body, dict(one.metadata), HILL), held) == "envelope.wrong-tenant"


@pytest.mark.parametrize("name", ["s3-v2", "s3-v3"])
async def test_an_instruction_file_says_what_the_metadata_leave_out_and_nothing_else(
    held: MemoryKeys, name: str
) -> None:
    one = await sealed(name, held)
    stays = set(s3.IN_OBJECT_ONLY)
    own = {key: value for key, value in one.metadata.items() if key in stays}
    told = {key: value for key, value in one.metadata.items() if key not in stays} | {s3.MARK: ""}
    assert (await open_bundle(stored(one.body, own, instructions=told), held)).whole() == PLAIN
    repeated = stored(one.body, dict(one.metadata), instructions=told)
    assert await refused(repeated, held) == "envelope.broken"
    if name == "s3-v3":
        moved = stored(one.body, own, instructions=told | {s3.COMMITMENT: one.metadata[s3.COMMITMENT]})
        assert await refused(moved, held) == "envelope.broken"
