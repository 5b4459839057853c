"""Which network addresses may be delivered to: public ones, and those of networks that the settings allow.

The tables are IANA's special-purpose registries, written out: `ipaddress.is_private` differs between Python versions,
and calls multicast and carrier-grade NAT public.
"""

import ipaddress
import socket
from collections.abc import Sequence

from hub.errors import ConfigurationError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

NOT_PUBLIC = {
    ipaddress.ip_network(network): what
    for network, what in (
        ("0.0.0.0/8", "this host"),
        ("10.0.0.0/8", "private"),
        ("100.64.0.0/10", "carrier-grade NAT"),
        ("127.0.0.0/8", "loopback"),
        ("168.63.129.16/32", "a cloud's metadata service"),  # Azure's; the other clouds' are in the ranges below
        ("169.254.0.0/16", "link-local"),
        ("172.16.0.0/12", "private"),
        ("192.0.0.0/24", "protocol assignments"),
        ("192.0.2.0/24", "documentation"),
        ("192.88.99.0/24", "6to4 relay"),
        ("192.168.0.0/16", "private"),
        ("198.18.0.0/15", "benchmarking"),
        ("198.51.100.0/24", "documentation"),
        ("203.0.113.0/24", "documentation"),
        ("224.0.0.0/4", "multicast"),
        ("240.0.0.0/4", "reserved"),
        ("2001::/23", "protocol assignments"),  # Teredo and ORCHID among them
        ("2001:db8::/32", "documentation"),
        ("2002::/16", "6to4"),
        ("3fff::/20", "documentation"),
        ("::1/128", "loopback"),
        ("64:ff9b::/96", "NAT64"),
        ("64:ff9b:1::/48", "NAT64"),
        ("fc00::/7", "private"),
        ("fe80::/10", "link-local"),
        ("ff00::/8", "multicast"),
    )
}
GLOBAL_UNICAST = ipaddress.ip_network("2000::/3")  # all of IPv6 that is routed; what lies outside is refused


class RefusedAddressError(ConfigurationError):
    """A host has an address that may not be delivered to; says which, and why."""


def refusal(address: Address, allowed: Sequence[Network] = ()) -> str | None:
    """Why this address may not be delivered to, such as "loopback"; None where it may.

    An IPv4 address in IPv6's clothes (::ffff:127.0.0.1) is judged as what it is.
    """
    real = getattr(address, "ipv4_mapped", None) or address
    if inside(real, allowed):
        return None
    for network, what in NOT_PUBLIC.items():
        if real in network:
            return what
    return None if real.version == 4 or real in GLOBAL_UNICAST else "not public"


def inside(address: Address, networks: Sequence[Network]) -> bool:
    """Whether the address lies in one of the networks."""
    real = getattr(address, "ipv4_mapped", None) or address
    return any(real in network for network in networks)


def resolve(host: str, port: int, allowed: Sequence[Network]) -> list[Address]:
    """The addresses of a host, in the order to try them; one look-up, and whoever connects uses nothing else.

    Raises:
        RefusedAddressError: one of them may not be delivered to; a name that also leads elsewhere is not trusted.
        OSError: the name does not resolve.
    """
    # Octal and decimal spellings of addresses (0177.0.0.1) are read here too, so they are judged as what they mean.
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = list(dict.fromkeys(ipaddress.ip_address(str(entry[4][0]).partition("%")[0]) for entry in found))
    for address in addresses:
        what = refusal(address, allowed)
        if what is not None:
            where = host if host == str(address) else f"{host}, at {address},"
            raise RefusedAddressError(f"{where} is not public ({what}), nor in a network of webhook.allowed_networks")
    return addresses
