"""A TCP relay in front of the API server, so that tests can cut connections and take the server away."""

from __future__ import annotations

import socket
import threading
from urllib.parse import urlsplit

from docent.launcher.cluster.api.client import Cluster
from docent.launcher.cluster.api.connection import Connection, load_configuration


class Relay:
    """A TCP relay to the API server that can be cut."""

    def __init__(self) -> None:
        target = urlsplit(load_configuration().host)
        self.target = (target.hostname or "", target.port or 443)
        self.server = socket.create_server(("127.0.0.1", 0))
        self.away = False
        self.open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def cluster(self, namespace: str, patience_s: float = 20.0) -> Cluster:
        """The cluster behind this relay."""
        configuration = load_configuration()
        configuration.host = self.address
        configuration.tls_server_name = self.target[0]
        configuration.assert_hostname = self.target[0]
        return Cluster(Connection(configuration, patience_s), namespace)

    @property
    def address(self) -> str:
        """URL of the API server by way of this relay."""
        return f"https://127.0.0.1:{self.server.getsockname()[1]}"

    def cut(self) -> None:
        """Break every connection; new ones are taken."""
        while self.open:
            end = self.open.pop()
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                end.close()

    def close(self) -> None:
        """Take no more connections."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                here, _ = self.server.accept()
                if self.away:
                    here.close()
                    continue
                there = socket.create_connection(self.target)
            except OSError:
                return
            self.open += [here, there]
            for ends in ((here, there), (there, here)):
                threading.Thread(target=self._relay, args=ends, daemon=True).start()

    @staticmethod
    def _relay(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                end.close()
