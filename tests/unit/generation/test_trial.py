"""The throw-away Asterisk, as far as it needs none."""

import socket

from asterisk_siptrunk.generation import trial


def test_a_free_port_is_free_for_tcp_too(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        real, offered = socket.socket.bind, iter([port])

        def bind(self, address):
            real(self, (address[0], next(offered, 0)) if address[1] == 0 else address)

        monkeypatch.setattr(socket, "socket", type("S", (socket.socket,), {"bind": bind}))
        assert trial._free_address() != f"127.0.0.1:{port}"
