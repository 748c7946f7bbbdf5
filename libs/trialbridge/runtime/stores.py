"""Picks the adapters that the settings' URLs name, and loads no others: a third of what a command would load is theirs."""

from pathlib import Path
from urllib.parse import quote_plus, unquote, urlsplit

from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.documents.sqlite import SqliteDocuments
from trialbridge.runtime.keys.keyring import create_keyring, read_keyring
from trialbridge.runtime.objects.folder import FolderObjects
from trialbridge.runtime.ports import DocumentStore, KeyService, ObjectStore
from trialbridge.runtime.settings import BaseServiceSettings, read_pair
from trialbridge.runtime.stage import wire
from trialbridge.vault.seal import Sealer


def open_keys(settings: BaseServiceSettings) -> KeyService:
    """Return the key service; raise `Misconfigured` ``keyring.*``."""
    return read_keyring(settings.keyring)


def open_seal(settings: BaseServiceSettings, keys: KeyService) -> wire.Seal:
    """Return the seal of topics, tables and documents."""
    del settings
    return Sealer(keys)


def open_documents(settings: BaseServiceSettings, seal: wire.Seal) -> DocumentStore:
    """Return the document store; raise `Misconfigured` where the URL cannot be used."""
    if urlsplit(settings.documents).scheme == "sqlite":
        return SqliteDocuments(_path(settings.documents), seal)
    from trialbridge.runtime.documents.mongo import MongoDocuments

    return MongoDocuments(mongo_url(settings), seal)


def mongo_url(settings: BaseServiceSettings) -> str:
    """Return the URL of MongoDB with user and password out of their file; never to be shown.

    Raises `Misconfigured` ``documents.bad-credentials``.
    """
    url, file = settings.documents, settings.documents_credentials_file
    if file is None:
        return url
    code = "documents.bad-credentials"
    user, password = read_pair(file, "documents_credentials_file", code, "user and password")
    scheme, _, rest = url.partition("://")
    if "@" in rest.partition("/")[0]:
        raise Misconfigured(code, "TRIALBRIDGE_DOCUMENTS names a user as well; take it out of the URL.")
    return f"{scheme}://{quote_plus(user)}:{quote_plus(password)}@{rest}"


def open_objects(settings: BaseServiceSettings) -> ObjectStore:
    """Return the object store; raise `Misconfigured` where the URL cannot be used."""
    if urlsplit(settings.objects).scheme == "file":
        return FolderObjects(_path(settings.objects))
    from trialbridge.runtime.objects.s3 import S3Objects

    return S3Objects.of(settings)


def _path(url: str) -> Path:
    """Return the path of ``scheme:///absolute`` or ``scheme://relative``."""
    return Path(unquote(url.split("://", 1)[1]))


__all__ = ["create_keyring", "open_documents", "open_keys", "open_objects", "open_seal"]
