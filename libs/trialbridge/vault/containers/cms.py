"""CMS enveloped messages (openssl cms): AES-256-GCM, or AES-256-CBC; the content key by RSA-OAEP.

AES-256-CBC authenticates nothing, so such a message opens only where the ticket's digest pins its bytes. RSA with PKCS #1 v1.5 is
refused: how it fails tells an attacker too much. Nothing in a message names a tenant: whose it is, the ticket's digest binds.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from trialbridge.contracts.ids import TenantId
from trialbridge.vault.containers import cms_message, der
from trialbridge.vault.containers.cms_message import Message, Recipient
from trialbridge.vault.containers.gcm import decrypted, sliced
from trialbridge.vault.containers.model import (
    Chunks,
    KeyHolder,
    PrivateKey,
    Stored,
    changed,
    newest,
    not_for_us,
    private_keys,
    refused,
    usable,
)

KEY_BYTES: Final = 32
BLOCK_BITS: Final = 128
PEM: Final = b"-----BEGIN CMS-----"
SMIME: Final = b"MIME-Version:"


@dataclass(frozen=True, slots=True)
class Cms:
    """Enveloped messages for a tenant's certificate."""

    name: str = "cms"

    def fits(self, stored: Stored) -> bool:
        """Return whether it begins as an enveloped message does, in whichever form."""
        return cms_message.is_enveloped(stored.body) or stored.body.startswith((PEM, SMIME))

    async def open(self, stored: Stored, keys: KeyHolder) -> Chunks:
        """Return the decryption; raises as `Container.open` says, also ``envelope.unauthenticated``."""
        if stored.body.startswith((PEM, SMIME)):
            raise refused("unsupported", "Only DER or BER is taken; use -outform DER.")
        message = cms_message.read(stored.body)
        held = await private_keys(keys, stored.tenant, "cms")
        recipient, key = _fitting(message, held)
        if not message.gcm and hashlib.sha256(stored.body).hexdigest() != stored.sha256:
            raise refused(
                "unauthenticated", "Nothing vouches for these bytes: the cipher does not, nor does a ticket's digest."
            )
        content_key = _content_key(recipient, key)
        return lambda: _decrypted(message, content_key)

    async def seal(self, plain: bytes, tenant: TenantId, keys: KeyHolder) -> tuple[bytes, dict[str, str]]:
        """Return an authenticated message for the tenant's newest certificate."""
        held = await private_keys(keys, tenant, "cms")
        return written(plain, newest(held, lambda key: x509.load_pem_x509_certificate(key.secret))), {}


def names_of(certificate: x509.Certificate) -> tuple[bytes, ...]:
    """Return how a message may name a certificate: issuer and serial number, subject key identifier."""
    serial = certificate.serial_number
    number = der.written(der.INTEGER, serial.to_bytes(serial.bit_length() // 8 + 1))
    found = [der.written(der.SEQUENCE, certificate.issuer.public_bytes(), number)]
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return tuple(found)
    return (*found, der.written(cms_message.IMPLICIT_0, identifier))


def _fitting(message: Message, held: Sequence[PrivateKey]) -> tuple[Recipient, RSAPrivateKey]:
    for names, loaded in usable(held, lambda key: _loaded(key.secret)):
        for recipient in message.recipients:
            if recipient.rid not in names:
                continue
            if not recipient.wrapped:
                raise refused("unsupported", "The content key must be encrypted with RSA-OAEP (rsa_padding_mode:oaep).")
            return recipient, loaded
    raise not_for_us()


@lru_cache(maxsize=16)
def _loaded(secret: bytes) -> tuple[tuple[bytes, ...], RSAPrivateKey]:
    """Return how messages name a key, and the key; it was checked when it was taken into the ring."""
    loaded = load_pem_private_key(secret, None, unsafe_skip_rsa_key_validation=True)
    if not isinstance(loaded, RSAPrivateKey):
        raise TypeError("no RSA key")
    return names_of(x509.load_pem_x509_certificate(secret)), loaded


def _content_key(recipient: Recipient, key: RSAPrivateKey) -> bytes:
    """Return the content key, or a random one where it does not decrypt: then the content fails as changed content does."""
    digest = SHA256() if recipient.sha256 else SHA1()  # noqa: S303 - OAEP does not rest on collisions
    try:
        found = key.decrypt(recipient.wrapped, OAEP(MGF1(digest), digest, None))
    except ValueError:
        found = b""
    return found if len(found) == KEY_BYTES else os.urandom(KEY_BYTES)


def _decrypted(message: Message, key: bytes) -> Iterator[bytes]:
    pieces = (small for piece in der.octets(message.content) for small in sliced(piece))
    if message.gcm:
        yield from decrypted(key, message.nonce, pieces, message.mac, message.attributes)
        return
    cipher, unpad = Cipher(AES(key), CBC(message.nonce)).decryptor(), PKCS7(BLOCK_BITS).unpadder()
    try:
        for piece in pieces:
            yield unpad.update(cipher.update(piece))
        yield unpad.update(cipher.finalize()) + unpad.finalize()
    except ValueError:
        raise changed() from None


def written(plain: bytes, certificate: x509.Certificate, *, gcm: bool = True) -> bytes:
    """Return an enveloped message for a certificate; ``gcm`` says whether an authenticated one."""
    public = certificate.public_key()
    if not isinstance(public, RSAPublicKey):
        raise refused("unsupported", "The certificate must hold an RSA key.")
    key, nonce = os.urandom(KEY_BYTES), os.urandom(cms_message.GCM_NONCE if gcm else cms_message.CBC_NONCE)
    wrapped = public.encrypt(key, OAEP(MGF1(SHA256()), SHA256(), None))
    transport = der.written(der.SEQUENCE, cms_message.OAEP, cms_message.OAEP_SHA256)
    recipient = der.written(
        der.SEQUENCE, cms_message.VERSION_0, names_of(certificate)[0], transport, der.written(der.OCTETS, wrapped)
    )
    body: bytes | memoryview
    if gcm:
        sealed = memoryview(AESGCM(key).encrypt(nonce, plain, None))
        body, mac = sealed[: -cms_message.TAG_BYTES], der.written(der.OCTETS, bytes(sealed[-cms_message.TAG_BYTES :]))
        parameters = der.written(der.SEQUENCE, der.written(der.OCTETS, nonce), cms_message.TAG_LENGTH)
    else:
        pad, cipher = PKCS7(BLOCK_BITS).padder(), Cipher(AES(key), CBC(nonce)).encryptor()
        body, mac = cipher.update(pad.update(plain) + pad.finalize()) + cipher.finalize(), b""
        parameters = der.written(der.OCTETS, nonce)
    algorithm = der.written(der.SEQUENCE, cms_message.AES_256_GCM if gcm else cms_message.AES_256_CBC, parameters)
    # In pieces to the end: a content of some hundred megabytes is copied once.
    content = der.around(der.SEQUENCE, [cms_message.DATA, algorithm, *der.around(cms_message.IMPLICIT_0, [body])])
    recipients = der.written(der.SET, recipient)
    enveloped = der.around(der.SEQUENCE, [cms_message.VERSION_0, recipients, *content, mac])
    kind = cms_message.AUTH_ENVELOPED if gcm else cms_message.ENVELOPED
    return b"".join(der.around(der.SEQUENCE, [kind, *der.around(cms_message.ORIGINATOR, enveloped)]))
