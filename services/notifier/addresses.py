"""Guards against calls into private networks: a name is resolved once, every address judged, and the call bound to one of them."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from trialbridge.contracts.errors import Refused

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Returns the addresses of a host; raises `OSError` where the name is not known."""
NAT64: Final = IPv6Network("64:ff9b::/96")
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
    """Return whether an address may be called: global unicast, or loopback where allowed."""
    try:
        address = _inner(ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    if address.is_loopback:
        return allow_loopback
    return address.is_global and not address.is_multicast and not address.is_reserved


def _inner(address: Address) -> Address:
    """Return the IPv4 address that an IPv6 form of it leads to."""
    if isinstance(address, IPv4Address):
        return address
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or (address.teredo[1] if address.teredo else None) or address


async def target_of(url: str, resolving: Resolve, *, allow_loopback: bool) -> Target:
    """Return where to call for ``url``.

    Raises:
        Refused: ``webhook.unresolved``, ``webhook.private-address`` (if any of its addresses is one), ``webhook.not-https``.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or (HTTPS_PORT if parts.scheme == "https" else HTTP_PORT)
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
