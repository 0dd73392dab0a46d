"""What a client says about an address where no hall can be heard."""

from __future__ import annotations

import socket
import threading

import pytest

from hirehall import Unavailable, connect


def test_a_peer_that_hangs_up_may_speak_tls_and_the_error_says_how_to_write_that() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def take_and_close() -> None:
            server.accept()[0].close()

        hang_up = threading.Thread(target=take_and_close)
        hang_up.start()
        with pytest.raises(Unavailable, match=rf"if it speaks TLS write hall\+tls://127\.0\.0\.1:{port}"):
            connect(f"hall://127.0.0.1:{port}")
        hang_up.join()
