"""Watchers of every event, as a process: `python -m benchmarks.watchers URL TOKEN COUNT`. It says a line when they
listen, and when it hears one, or the end of its stdin, how many bytes of events came."""

from __future__ import annotations

import select
import sys

from hirehall.bench.peers import Peer


def main() -> None:
    """Listen until told to end."""
    url, token, count = sys.argv[1:]
    peers = {(peer := Peer(url, token)).sock.fileno(): peer for _ in range(int(count))}
    poll = select.poll()
    poll.register(sys.stdin, select.POLLIN)
    for number, peer in peers.items():
        peer.ask({"cmd": "watch"})
        poll.register(number, select.POLLIN)
    print("ready", flush=True)
    heard = 0
    while True:
        for number, _ in poll.poll():
            if number == sys.stdin.fileno():
                print(heard, flush=True)
                return
            heard += len(peers[number].sock.recv(1 << 18))


if __name__ == "__main__":
    main()
