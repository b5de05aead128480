"""Whether an address is free to listen on. Needs nothing installed: the Makefile asks it before any work is done."""

import errno
import socket
import sys


def why_not_free(host: str, port: int) -> str | None:
    """A sentence that says why nobody can listen there, or None when it is free."""
    if not 0 < port < 65536:
        return f"{port} is no port: expected a number from 1 to 65535"
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    except socket.gaierror:
        return f"{host} is no address of this machine"
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return f"port {port} is taken: another program listens on {host}:{port}"
            return f"cannot listen on {host}:{port}: {error.strerror}"
    return None


def free_port() -> int:
    """A port of 127.0.0.1 that is free at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


if __name__ == "__main__":
    _host, _port = sys.argv[1:]
    _why = why_not_free(_host, int(_port)) if _port.isdecimal() else f"{_port!r} is no port"
    sys.exit(f"{_why}. Choose another with `make run PORT=8080`." if _why else 0)
