"""MLLP over real sockets on loopback: frames, limits, patience, certificates, and what hangs up."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.gateway.bootstrap import build
from services.gateway.clients import Client, Clients
from services.gateway.mllp import END, START, MllpDoor, mllp_server
from services.gateway.settings import GatewaySettings
from tests.unit.services.gateway.conftest import NORTH, Gateway, adt, segments
from trialbridge.contracts.errors import Misconfigured
from trialbridge.runtime.doors import tls_context
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import ClearSeal

pytestmark = pytest.mark.usefixtures("socket_enabled")
PATIENT, HASTY = 60.0, 0.3
"""Seconds for a frame: more than a machine under load can need, and what a test is ready to wait for."""
Ends = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@asynccontextmanager
async def door(
    gateway: Gateway, *, client: Client | None = NORTH, most: int = 20_000, connections: int = 4, idle: float = PATIENT,
    seconds: float = PATIENT, tls: ssl.SSLContext | None = None,
) -> AsyncIterator[int]:  # fmt: skip
    served = MllpDoor(gateway.desk, client, most, connections, seconds, idle)
    async with mllp_server(served, "127.0.0.1", 0, tls) as port:
        yield port


async def connect(port: int, tls: ssl.SSLContext | None = None) -> Ends:
    return await asyncio.open_connection("127.0.0.1", port, ssl=tls, server_hostname="localhost" if tls else None)


async def talk(ends: Ends, raw: bytes) -> bytes:
    """Send bytes and return the next frame's content, nothing where the other side hangs up."""
    reader, writer = ends
    writer.write(raw)
    try:
        async with asyncio.timeout(PATIENT):
            found = await reader.readuntil(END)
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
    return found.removeprefix(START).removesuffix(END)


def framed(body: bytes) -> bytes:
    return START + body + END


async def test_frames_are_acknowledged_one_after_the_other(gateway: Gateway) -> None:
    async with door(gateway) as port:
        ends = await connect(port)
        for number in range(3):
            ack = await talk(ends, framed(adt(number)))
            assert segments(ack)[1] == ["MSA", "AA", f"C{number}"]
        # Two frames at once, line ends between, the first byte alone.
        ends[1].write(START)
        await asyncio.sleep(0.02)
        assert await talk(ends, adt(4) + END + b"\r\n" + framed(adt(5)))
        assert segments(await talk(ends, b""))[1][2] == "C5"
        ends[1].close()
    assert len(await gateway.records()) == 5


async def test_what_is_wrong_is_said_in_the_acknowledgement(gateway: Gateway) -> None:
    async with door(gateway) as port:
        ends = await connect(port)
        lines = segments(await talk(ends, framed(adt(1).replace(b"M1^^^NORTH^MR", b""))))
        assert (lines[1][1], lines[2][2]) == ("AE", "PID^1^3")
        assert segments(await talk(ends, framed(b"nonsense")))[1][1] == "AR"
        assert segments(await talk(ends, framed(adt(2))))[1][1] == "AA"
        ends[1].close()


@pytest.mark.security
@pytest.mark.parametrize(
    "raw",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        b"x" + framed(adt(1))[1:],
        adt(1),
        START + adt(1)[:100] + START + adt(2) + END,
        framed(adt(1) + b"NTE|1||" + b"x" * 30_000),
        START + b"x" * 30_000,
    ],
)
async def test_bytes_that_are_no_frame_end_the_connection_without_an_answer(gateway: Gateway, raw: bytes) -> None:
    async with door(gateway) as port:
        ends = await connect(port)
        assert await talk(ends, raw) == b""
        assert await talk(await connect(port), framed(adt(9))), "others go on"
    assert [one.identifiers[0].value for one in await gateway.records()] == ["M9"]


@pytest.mark.security
async def test_a_frame_that_does_not_end_is_given_up(gateway: Gateway) -> None:
    async with door(gateway, seconds=HASTY) as port:
        assert await talk(await connect(port), START + adt(1)) == b""
    assert not await gateway.records()


@pytest.mark.security
async def test_a_frame_that_drips_is_given_up_before_its_end(gateway: Gateway) -> None:
    frame, sent = framed(adt(1)), 0
    async with door(gateway, seconds=HASTY) as port:
        reader, writer = await connect(port)
        while sent < len(frame) and not (reader.at_eof() or writer.is_closing()):
            writer.write(frame[sent : sent + 1])
            sent += 1
            await asyncio.sleep(0.02)
        assert sent < len(frame), "it would have taken ten times as long"
        writer.close()
    assert not await gateway.records()


async def test_an_idle_connection_is_closed(gateway: Gateway) -> None:
    async with door(gateway, idle=0.1) as port:
        assert await talk(await connect(port), b"") == b""


async def test_one_connection_too_many_is_closed(gateway: Gateway) -> None:
    async with door(gateway, connections=1) as port:
        first = await connect(port)
        assert await talk(first, framed(adt(1)))
        assert await talk(await connect(port), framed(adt(2))) == b""
        assert await talk(first, framed(adt(3)))
        first[1].close()


async def test_without_a_log_the_connection_ends_and_nothing_is_acknowledged(gateway: Gateway) -> None:
    gateway.log.away = True
    async with door(gateway) as port:
        assert await talk(await connect(port), framed(adt(1))) == b""
        gateway.log.away = False
        assert await talk(await connect(port), framed(adt(1)))


async def test_a_sender_that_is_too_fast_is_read_no_further() -> None:
    gateway = Gateway(rate=2)
    async with gateway.running(), door(gateway) as port:
        ends = await connect(port)
        for number in range(4):
            assert await talk(ends, framed(adt(number)))
        waiting = asyncio.create_task(talk(ends, framed(adt(5))))
        await asyncio.sleep(0.1)
        assert not waiting.done()
        gateway.pass_time(2)
        assert await waiting
        ends[1].close()


class Authority:
    """Signs certificates for the tests."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        self.path = folder / "ca.pem"
        self.path.write_bytes(self._sign(self.name, self.key, ca=True).public_bytes(serialization.Encoding.PEM))

    def _sign(self, name: x509.Name, key: ec.EllipticCurvePrivateKey, *, ca: bool) -> x509.Certificate:
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )  # fmt: skip
        return made.sign(self.key, hashes.SHA256())

    def issue(self, name: str) -> tuple[Path, Path, str]:
        """Return certificate file, key file and fingerprint."""
        key = ec.generate_private_key(ec.SECP256R1())
        found = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, ca=False)
        certificate, private = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        certificate.write_bytes(found.public_bytes(serialization.Encoding.PEM))
        private.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, private, sha256(found.public_bytes(serialization.Encoding.DER)).hexdigest()


async def test_client_certificates_say_who_sends(gateway: Gateway, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server_cert, server_key, _ = authority.issue("server")
    cert, key, fingerprint = authority.issue("engine")
    other_cert, other_key, _ = authority.issue("stranger")
    known = Client("hill-mllp", NORTH.tenant, NORTH.network, NORTH.source, certificate=fingerprint)
    gateway.desk.clients._certificates.update(Clients([known])._certificates)

    def client(certificate: Path | None, private: Path | None) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(authority.path))
        if certificate is not None:
            context.load_cert_chain(certificate, private)
        return context

    tls = tls_context(server_cert, server_key, authority.path)
    async with door(gateway, client=None, tls=tls) as port:
        ends = await connect(port, client(cert, key))
        assert segments(await talk(ends, framed(adt(1))))[1][1] == "AA"
        ends[1].close()
        stranger = await connect(port, client(other_cert, other_key))
        assert await talk(stranger, framed(adt(2))) == b""
        with contextlib.suppress(OSError):  # in TLS 1.3 the refusal comes with the first bytes that are read
            assert await talk(await connect(port, client(None, None)), framed(adt(4))) == b""
        # Plain bytes where TLS is spoken.
        assert await talk(await connect(port), framed(adt(3))) == b""
    assert [one.identifiers[0].value for one in await gateway.records()] == ["M1"]


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"mllp_port": 2575}, "settings.clients-missing"),
        ({"mllp_port": 2575, "clients_file": "clients"}, "settings.mllp-client"),
        ({"mllp_port": 2575, "clients_file": "clients", "mllp_client": "nobody"}, "settings.mllp-client"),
        (
            {"mllp_port": 2575, "clients_file": "clients", "mllp_client": "north", "mllp_host": "0.0.0.0"},  # noqa: S104
            "settings.mllp-plain",
        ),
        (
            {"mllp_port": 2575, "clients_file": "clients", "mllp_client": "north", "door_certificate_file": "clients"},
            "settings.tls-unreadable",
        ),
        ({"gateway_port": 8082, "clients_file": "broken"}, "settings.clients-invalid"),
        ({"gateway_port": 8082, "clients_file": "foreign"}, "settings.clients-invalid"),
    ],
)
def test_wrong_settings_are_refused_before_a_door_opens(tmp_path: Path, given: dict[str, str], code: str) -> None:
    one = '{"client":"north","tenant":"north","network":"lakeland","source":"%s/adt"}'
    for name, text in {"clients": f"[{one % 'north'}]", "broken": "{}", "foreign": f"[{one % 'hill'}]"}.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    files = {name: tmp_path / value for name, value in given.items() if name.endswith("_file")}
    memory = Gateway()
    ports = ServicePorts(memory.documents, memory.objects, memory.keys, ClearSeal(), memory.now)
    with pytest.raises(Misconfigured) as refused:
        build(read_settings(GatewaySettings, **{**given, **files}), ports)
    assert refused.value.code == code
