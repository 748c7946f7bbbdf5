"""Guards against calls into private networks: a name is resolved once, every address judged, and the call bound to one of them."""

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit, urlunsplit

from services.notifier.special import reachable
from trialbridge.contracts.errors import Refused

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host; raises `OSError` where the name is not known."""
NAT64: Final = IPv6Network("64:ff9b::/96")
VISIBLE: Final = re.compile(r"[!-~]{1,2048}")
HTTPS_PORT: Final = 443
HTTP_PORT: Final = 80


async def resolve(host: str, port: int) -> Sequence[str]:
    """Return the addresses of a host, as the system's resolver gives them."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for _, _, _, _, address in found]


@dataclass(frozen=True, slots=True)
class Target:
    """Where a call goes: the URL with the address in place of the name, and the name for TLS and the Host header."""

    url: str
    host: str
    server_name: str


def judge(text: str, *, allow_loopback: bool) -> bool:
    """Return whether an address may be called: globally reachable, or loopback where allowed."""
    try:
        address = _inner(ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_loopback:
        return allow_loopback
    return reachable(address)


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 form of it leads to."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address


def take_apart(url: str) -> tuple[SplitResult, int]:
    """Return an endpoint's URL in parts, and its port.

    Raises:
        Refused: ``webhook.bad-url`` where it is not http or https, names no host, a user or a port that is none, or holds
            what must be encoded.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _bad_url() from None
    web = parts.scheme in {"https", "http"} and parts.hostname and parts.username is None and parts.password is None
    if not web or port == 0 or not VISIBLE.fullmatch(url) or "\\" in url:
        raise _bad_url()
    return parts, port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)


def _bad_url() -> Refused:
    return Refused(
        "webhook.bad-url",
        "url must be https://HOST/PATH in ASCII, with a port of 1 to 65535 if any, without a user name in it.",
    )


async def target_of(url: str, resolving: Resolve, *, allow_loopback: bool) -> Target:
    """Return where to call for ``url``.

    Raises:
        Refused: ``webhook.bad-url``, ``webhook.unresolved``, ``webhook.private-address`` (if any of its addresses is one),
            ``webhook.not-https``.
    """
    parts, port = take_apart(url)
    host = parts.hostname or ""
    try:
        addresses = await resolving(host, port)
    except (OSError, UnicodeError):
        addresses = []
    if not addresses:
        raise Refused("webhook.unresolved", "The endpoint's host name has no address.")
    if not all(judge(one, allow_loopback=allow_loopback) for one in addresses):
        raise Refused("webhook.private-address", "The endpoint's host leads into a private network.")
    chosen = ip_address(addresses[0].partition("%")[0])
    if parts.scheme != "https" and not chosen.is_loopback:
        raise Refused("webhook.not-https", "The endpoint must be called over https.")
    literal = f"[{chosen}]" if chosen.version == 6 else str(chosen)  # noqa: PLR2004 - IPv6
    bound = urlunsplit((parts.scheme, f"{literal}:{port}", parts.path or "/", parts.query, ""))
    return Target(bound, parts.netloc, host)
