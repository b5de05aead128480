"""Of the ways in which an e-mail address can be written, one."""

from functools import lru_cache

_idna = lru_cache(1_024)(lambda domain: domain.encode("idna").decode())


def on_envelope(address: str) -> str:
    """Its domain in ASCII, as mail servers write it. Raises UnicodeError for what can be no domain."""
    local, at, domain = address.strip().rpartition("@")
    return f"{local}{at}{_idna(domain)}"


def same_for_all(address: str) -> str:
    """As `on_envelope`, by which two addresses are compared; as it is where it has no domain."""
    try:
        return on_envelope(address)
    except UnicodeError:
        return address.strip()


def readable(address: str) -> str:
    """Its domain in letters as people type it, in the one form that they have: not in wide ones, say."""
    if address.isascii():
        return address
    local, at, domain = same_for_all(address).rpartition("@")
    try:
        return f"{local}{at}{domain.encode().decode('idna')}"
    except UnicodeError:
        return address
