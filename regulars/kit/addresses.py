"""Which addresses may be called. A shop types the address of its webhook; without this check it could make the server
call itself, its neighbours, or the machine's metadata service."""

import ipaddress
from ipaddress import IPv4Address, IPv6Address

# Only this part of IPv6 is handed out for the public internet (RFC 4291, section 2.4); everything else is refused.
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
# Inside it, tunnels that carry an IPv4 address to who knows where: Teredo (RFC 4380) and 6to4 (RFC 3056).
_TUNNELS_V6 = (ipaddress.IPv6Network("2001::/32"), ipaddress.IPv6Network("2002::/16"))
# How a network that has only IPv6 reaches IPv4 (RFC 6052); the last 32 bits are the address that is really called.
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# The old 6to4 relays (RFC 7526).
_RELAYS_V4 = ipaddress.IPv4Network("192.88.99.0/24")


def refusal(address: str, *, allow_loopback: bool) -> str | None:
    """Why `address` (text of an IPv4 or IPv6 address) must not be called, as the end of a sentence; None if it may.

    What can't be read as an address is refused too.
    """
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "which is not an internet address"
    inner = _inner(parsed)
    if inner.is_loopback:
        return None if allow_loopback else "which is this machine itself"
    if _is_public(inner):
        return None
    return "which is not on the public internet"


def is_this_machine(host: str) -> bool:
    """Whether a URL's host is this machine by its very name, before any look-up."""
    try:
        return _inner(ipaddress.ip_address(host.strip("[]"))).is_loopback
    except ValueError:
        return host == "localhost"


def _inner(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The address that is really dialled: an IPv4 address can be written as an IPv6 one."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if not address.is_global or address.is_multicast or address.is_reserved:
        return False
    if isinstance(address, IPv6Address):
        return address in _PUBLIC_V6 and not any(address in tunnel for tunnel in _TUNNELS_V6)
    return address not in _RELAYS_V4
