"""Decide from which addresses pictures may be fetched: public ones, and private ones listed in the configuration.

Reads and writes no files. The blocks are from the IANA special-purpose registries for IPv4 and IPv6. For an address
that embeds another one (IPv4-mapped, NAT64), the check applies to the embedded one.
"""

import ipaddress
from collections.abc import Collection

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")
# Tunnels, whose far end cannot be checked, and blocks that is_global accepts in some versions of Python.
_REFUSED = tuple(
    ipaddress.ip_network(block)
    for block in (
        "100.64.0.0/10",  # shared by a provider's customers
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks
        "2001::/23",  # Teredo, ORCHID and other protocol assignments
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "3fff::/20",  # documentation
    )
)


def is_reachable(text: str, hosts: Collection[str]) -> bool:
    """Return whether docent may connect to an address that a host name resolved to.

    Args:
        text: the address, with or without a zone (`fe80::1%eth0`).
        hosts: hosts in the configuration, as `host` or `host:port`, IPv6 addresses in brackets. A private address is
            allowed only if it is listed itself, and loopback addresses also if `localhost` is listed.
    """
    try:
        address = _innermost(ipaddress.ip_address(text.partition("%")[0]))
    except ValueError:
        return False
    listed = {host if host.endswith("]") else host.rpartition(":")[0] or host for host in hosts}
    names = {shown_address(text), str(address), f"[{address}]", *(("localhost",) if address.is_loopback else ())}
    return is_public(address) or bool(names & listed)


def is_public(address: Address) -> bool:
    """Return whether an address is a unicast address on the public Internet."""
    if address.version == 6 and address not in _GLOBAL_UNICAST:
        return False
    special = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_link_local
    refused = any(address.version == block.version and address in block for block in _REFUSED)
    return address.is_global and not special and not refused


def shown_address(text: str) -> str:
    """Return an address in the form used in `image_hosts`."""
    plain = text.partition("%")[0]
    return f"[{plain}]" if ":" in plain else plain


def _innermost(address: Address) -> Address:
    """Return the IPv4 address embedded in an IPv6 address, or else the address itself."""
    if isinstance(address, ipaddress.IPv6Address) and (address.ipv4_mapped or address in _NAT64):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address
