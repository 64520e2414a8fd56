"""A socket of this machine in front of the server, which listens on a port only."""

import pathlib
import socket
import threading

CHUNK = 64 * 1024


def forward(path: pathlib.Path, port: int) -> None:
    """Takes connections at a path, and hands what they say to the server, and back."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    threading.Thread(target=_accept, args=(listener, port), daemon=True).start()


def _accept(listener: socket.socket, port: int) -> None:
    while True:
        caller, _ = listener.accept()
        try:
            server = socket.create_connection(("127.0.0.1", port))
        except OSError:
            caller.close()
            continue
        for one, other in ((caller, server), (server, caller)):
            threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(one: socket.socket, other: socket.socket) -> None:
    try:
        while chunk := one.recv(CHUNK):
            other.sendall(chunk)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        # Neither side goes on without the other.
        one.close()
        other.close()
