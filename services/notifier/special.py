"""Addresses with a purpose of their own, after IANA's special-purpose registries (RFC 6890 and its successors), as data."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

_IPV4: Final = """
0.0.0.0/8          no   this network
10.0.0.0/8         no   private use
100.64.0.0/10      no   shared address space
127.0.0.0/8        no   loopback
169.254.0.0/16     no   link local
172.16.0.0/12      no   private use
192.0.0.0/24       no   protocol assignments
192.0.0.9/32       yes  port control protocol anycast
192.0.0.10/32      yes  TURN anycast
192.0.2.0/24       no   documentation
192.31.196.0/24    yes  AS112-v4
192.52.193.0/24    yes  AMT
192.88.99.0/24     no   6to4 relay anycast, deprecated
192.168.0.0/16     no   private use
192.175.48.0/24    yes  direct delegation AS112
198.18.0.0/15      no   benchmarking
198.51.100.0/24    no   documentation
203.0.113.0/24     no   documentation
224.0.0.0/4        no   multicast
240.0.0.0/4        no   reserved, limited broadcast
"""
_IPV6: Final = """
::/0               no   what is not allocated, among it loopback, mapped, local, site-local and multicast addresses
2000::/3           yes  global unicast
2001::/23          no   protocol assignments, among them Teredo, benchmarking and ORCHID
2001:1::1/128      yes  port control protocol anycast
2001:1::2/128      yes  TURN anycast
2001:1::3/128      yes  DNS-SD service registration anycast
2001:3::/32        yes  AMT
2001:4:112::/48    yes  AS112-v6
2001:20::/28       yes  ORCHIDv2
2001:30::/28       yes  drone remote identification
2001:db8::/32      no   documentation
2002::/16          no   6to4
2620:4f:8000::/48  yes  direct delegation AS112
3fff::/20          no   documentation
"""


def _read(table: str) -> list[tuple[IPv4Network | IPv6Network, bool]]:
    """Return blocks with whether they are reachable globally, the smallest first."""
    rows = [line.split(maxsplit=2) for line in table.strip().splitlines()]
    return sorted(((ip_network(block), said == "yes") for block, said, _ in rows), key=lambda row: -row[0].prefixlen)


_TABLES: Final = {4: _read(_IPV4), 6: _read(_IPV6)}


def reachable(address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address is globally reachable; the smallest block that holds it says so, for IPv4 none means yes."""
    return next((said for block, said in _TABLES[address.version] if address in block), True)
