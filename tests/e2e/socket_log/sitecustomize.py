"""On PYTHONPATH of the server under test: every Python process of it notes the addresses it reaches out to.

An audit hook sees the calls of Python code (`socket`, and all libraries above it), also in workers and readers.
"""

import os
import sys


def _note(event: str, arguments: tuple[object, ...]) -> None:
    if event in {"socket.connect", "socket.sendto", "socket.getaddrinfo"}:
        address = arguments[0] if event == "socket.getaddrinfo" else arguments[1]
        host = address[0] if isinstance(address, tuple) else address
        line = f"{event}\t{host!s}\n".encode(errors="replace")
        out = os.open(os.environ["FARZI_SOCKET_LOG"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(out, line)
        os.close(out)


if "FARZI_SOCKET_LOG" in os.environ:
    sys.addaudithook(_note)
