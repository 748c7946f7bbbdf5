"""Where webhooks may go: the endpoints' file, their secrets, and the guard against private networks."""

from collections.abc import Sequence
from ipaddress import ip_network
from pathlib import Path

import httpx
import pytest

from services.notifier.addresses import judge, target_of
from services.notifier.bootstrap import build
from services.notifier.endpoints import Endpoint, Endpoints, read_endpoints
from services.notifier.settings import NotifierSettings
from tests.unit.services.notifier.conftest import HILL, HOOK, NORTH, PUBLIC, SECRET, SECRET_TEXT, House, decision
from trialbridge.contracts.documents import DELIVERIES
from trialbridge.contracts.errors import Misconfigured, Refused
from trialbridge.runtime.serve import ServicePorts
from trialbridge.runtime.settings import read_settings
from trialbridge.testkit.fakes import ClearSeal, MemoryKeys, MemoryObjects

ROW = "- {id: a, tenant: north, url: 'https://hooks.example.org/in', secret_files: [secret]}\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    secret = tmp_path / "secret"
    secret.write_text(SECRET_TEXT + "\n")
    secret.chmod(0o600)
    (tmp_path / "webhooks.yaml").write_text(ROW)
    return tmp_path


def test_endpoints_come_from_a_file_and_never_show_their_secret(folder: Path) -> None:
    found = read_endpoints(folder / "webhooks.yaml")
    (one,) = found.of("north", "approved")
    assert (one.id, one.url, one.secrets) == ("a", "https://hooks.example.org/in", (SECRET,))
    assert list(found.of("north", "withdrawn")) == [one]
    assert list(found.of("hill", "approved")) == []
    assert found.get("b") is None
    assert "sss" not in repr(found)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "a: b",
        ROW + ROW,
        ROW.replace("https", "ftp"),
        ROW.replace("hooks.", "user:pass@hooks."),
        ROW.replace(".org/", ".org:99999/"),
        ROW.replace(".org/", ".org:0/"),
        ROW.replace(".org/", ".org:x/"),
        ROW.replace("hooks.example.org", "[hooks"),
        ROW.replace("hooks.", "hööks."),
        ROW.replace("/in", "/i n"),
        ROW.replace("/in", "\\\\@10.0.0.1/"),
        ROW.replace("[secret]", "[]"),
        ROW.replace("}", ", kinds: [all]}"),
        ROW.replace("}", ", kinds: []}"),
        ROW.replace("tenant", "tenent"),
    ],
)
def test_a_wrong_file_stops_the_start_and_says_how_to_mend_it(folder: Path, text: str) -> None:
    (folder / "webhooks.yaml").write_text(text)
    with pytest.raises(Misconfigured, match="TRIALBRIDGE_WEBHOOKS_FILE"):
        read_endpoints(folder / "webhooks.yaml")


@pytest.mark.parametrize("secret", ["whsec_", "whsec_c2hvcnQ=", "whsec_###", "whsec_" + "QUFB" * 40])
def test_a_weak_or_broken_secret_stops_the_start(folder: Path, secret: str) -> None:
    (folder / "secret").write_text(secret)
    with pytest.raises(Misconfigured, match="webhook endpoint a") as wrong:
        read_endpoints(folder / "webhooks.yaml")
    assert secret == "whsec_" or secret not in str(wrong.value)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1",  # noqa: S104
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fe80::1%eth0",
        "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1",
        "2002:a00:1::", "2002:7f00:1::", "2001:0:0:0:0:0:f5ff:fffe", "not-an-address", "",
        "192.0.0.8", "192.0.0.170", "192.88.99.1", "192.88.99.2", "198.51.100.7", "203.0.113.1", "239.1.1.1", "fec0::1",
        "3fff::1", "5f00::1", "100::1", "100:0:0:1::1", "2001:2::1", "2001:10::1", "64:ff9b:1::808:808", "::ffff:0:7f00:1",
        "::7f00:1", "::808:808", "2002:808:808::", "4000::1", "ff0e::1", "64:ff9b::c000:8",
    ],
)  # fmt: skip
def test_no_private_address_is_called(address: str) -> None:
    assert not judge(address, allow_loopback=False)


@pytest.mark.parametrize(
    "address",
    [
        "93.184.216.34", "8.8.8.8", "2606:4700::1111", "64:ff9b::808:808", "::ffff:8.8.8.8", "192.0.0.9", "192.31.196.1",
        "2001:4860:4860::8888", "2001:1::1", "2620:4f:8000::1",
    ],
)  # fmt: skip
def test_public_addresses_are_called(address: str) -> None:
    assert judge(address, allow_loopback=False)


def test_no_address_is_called_that_the_language_knows_to_be_special() -> None:
    blocks = (
        "0.0.0.0/8",
        "100.64.0.0/10",
        "192.0.0.0/24",
        "198.18.0.0/15",
        "240.0.0.0/4",
        "::/8",
        "fc00::/6",
        "2001:db8::/32",
    )
    for block in map(ip_network, blocks):
        for step in range(0, block.num_addresses, max(1, block.num_addresses // 50)):
            address = block[step]
            assert address.is_global or not judge(str(address), allow_loopback=False), address


def test_only_loopback_can_be_allowed() -> None:
    assert judge("127.0.0.1", allow_loopback=True)
    assert judge("::1", allow_loopback=True)
    assert judge("::ffff:127.0.0.1", allow_loopback=True)
    assert not judge("10.0.0.1", allow_loopback=True)
    assert not judge("169.254.169.254", allow_loopback=True)


def answering(*addresses: str) -> object:
    async def resolve(host: str, port: int) -> Sequence[str]:
        if not addresses:
            raise OSError("canary")
        return addresses

    return resolve


@pytest.mark.parametrize(
    ("url", "addresses", "code"),
    [
        ("https://h.example.org/", ("10.0.0.1",), "webhook.private-address"),
        ("https://h.example.org/", ("93.184.216.34", "10.0.0.1"), "webhook.private-address"),
        ("https://h.example.org/", (), "webhook.unresolved"),
        ("http://h.example.org/", ("93.184.216.34",), "webhook.not-https"),
        ("https://h.example.org:99999/", ("93.184.216.34",), "webhook.bad-url"),
        ("https://h.example.org:0/", ("93.184.216.34",), "webhook.bad-url"),
        ("https://[h/", ("93.184.216.34",), "webhook.bad-url"),
        ("https://h.example.org\\@10.0.0.1/", ("93.184.216.34",), "webhook.bad-url"),
        ("https://h.example.org/a b\r\nX: y", ("93.184.216.34",), "webhook.bad-url"),
    ],
)
async def test_names_that_lead_astray_are_refused(url: str, addresses: tuple[str, ...], code: str) -> None:
    with pytest.raises(Refused) as refused:
        await target_of(url, answering(*addresses), allow_loopback=False)  # type: ignore[arg-type]
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("url", "address", "bound"),
    [
        ("https://h.example.org:8443/a?b=c#d", "93.184.216.34", "https://93.184.216.34:8443/a?b=c"),
        ("https://h.example.org", "2606:4700::1111", "https://[2606:4700::1111]:443/"),
        ("http://localhost:9000/x", "127.0.0.1", "http://127.0.0.1:9000/x"),
    ],
)
async def test_the_call_is_bound_to_the_address(url: str, address: str, bound: str) -> None:
    target = await target_of(url, answering(address), allow_loopback=True)  # type: ignore[arg-type]
    assert target.url == bound
    assert url.split("/")[2] == target.host


async def test_a_private_endpoint_is_not_called_and_the_log_says_why() -> None:
    house = House(addresses=["192.168.0.7"])
    await house.deliver(decision())
    await house.dispatch()
    log = await house.log()
    assert (log.status, log.last_error) == ("pending", "webhook.private-address")
    assert house.calls == []
    house.addresses = PUBLIC
    house.pass_time(seconds=6)
    await house.dispatch()
    assert (await house.log()).status == "delivered"


@pytest.mark.parametrize("url", ["https://hooks.example.org:99999/", "https://[x/", "https://hööks.example.org/"])
async def test_an_endpoint_that_cannot_be_called_does_not_end_the_loop(url: str) -> None:
    house = House(
        Endpoints((Endpoint("north-hook", NORTH, url, (SECRET,)), Endpoint("hill-hook", HILL, HOOK.url, (SECRET,))))
    )
    await house.deliver(decision())
    assert await house.dispatch() == 2
    logs = {doc.endpoint: doc for doc in (await house.documents.all(DELIVERIES)).values()}
    assert (logs["north-hook"].status, logs["north-hook"].last_error) == ("pending", "webhook.bad-url")
    assert logs["hill-hook"].status == "delivered"


@pytest.mark.parametrize("error", [ValueError("canary"), OSError("canary"), httpx.InvalidURL("canary")])
async def test_whatever_a_call_raises_is_a_failed_attempt(house: House, error: Exception) -> None:
    await house.deliver(decision())
    house.answers = [error]
    await house.dispatch()
    assert (await house.log()).last_error == "webhook.no-connection"


def test_the_stage_is_put_together(folder: Path) -> None:
    house = House()
    ports = ServicePorts(house.documents, MemoryObjects(), MemoryKeys(), ClearSeal(), house.now)
    given = read_settings(
        NotifierSettings, broker=f"trialbridge-embedded://{folder}/log.db", webhooks_file=folder / "webhooks.yaml"
    )
    stage = build(given, ports)
    assert [topic.name for topic in stage.handlers] == ["approved_patients"]
    assert len(stage.background) == 2
    stage._datadir.cleanup()
    with pytest.raises(Misconfigured):
        build(read_settings(NotifierSettings, webhooks_file=folder / "absent.yaml"), ports)
