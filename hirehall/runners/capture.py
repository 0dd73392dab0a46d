"""Keeps what a script writes: its beginning and its end, within bounds, however much comes."""

from __future__ import annotations

from collections import deque

KEEP_BYTES = 1 << 20
STDERR_TAIL_BYTES = 8 * 1024
MAX_PROGRESS_LINE = 64 * 1024
MAX_LOG_LINE = 16 * 1024


class Capture:
    """The first half and the last half of `limit` bytes of a stream."""

    def __init__(self, limit: int = KEEP_BYTES) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._dropped = 0

    def feed(self, data: bytes) -> None:
        """More of the stream."""
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        if data:
            self._tail.append(data)
            self._tail_size += len(data)
            self._trim()

    def _trim(self) -> None:
        while self._tail_size > self._half:
            excess = self._tail_size - self._half
            oldest = self._tail[0]
            if len(oldest) <= excess:
                self._tail.popleft()
                gone = len(oldest)
            else:
                self._tail[0] = oldest[excess:]
                gone = excess
            self._tail_size -= gone
            self._dropped += gone

    def text(self, limit: int) -> str:
        """All of it, or head and tail of `limit` bytes with a word about what is missing between them."""
        kept = bytes(self._head) + b"".join(self._tail)
        if not self._dropped and len(kept) <= limit:
            return kept.decode("utf-8", "replace")
        half = min(limit // 2, self._half)
        head, tail = kept[:half], kept[-half:]
        missing = len(kept) + self._dropped - len(head) - len(tail)
        middle = f"\n... {missing} bytes left out ...\n"
        return head.decode("utf-8", "replace") + middle + tail.decode("utf-8", "replace")

    @property
    def size(self) -> int:
        """Bytes that came, kept or not."""
        return len(self._head) + self._tail_size + self._dropped

    def tail(self, limit: int = STDERR_TAIL_BYTES) -> str:
        """The last `limit` bytes, without white space around them."""
        kept = b"".join(self._tail)
        if self._tail_size < limit:
            kept = bytes(self._head[-limit:]) + kept
        return kept[-limit:].decode("utf-8", "replace").strip()


class Beginning:
    """All of a stream, while it has no more than `limit` bytes: of a longer one it is known only how long it is."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()
        self.size = 0  # bytes that came, kept or not

    def feed(self, data: bytes) -> None:
        """More of the stream."""
        self.size += len(data)
        if self.size <= self._limit:
            self._kept += data
        else:
            self._kept = bytearray()

    @property
    def text(self) -> str:
        """As it came, when it is not too long."""
        return self._kept.decode("utf-8", "replace")


class LogLines:
    """Bytes of a stream, however the reads are cut -> its lines as texts, for the live log."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> str | None:
        """The lines that `data` completes, joined; None when there is none. A line that does not end is let out in
        pieces."""
        whole, end, rest = (self._rest + data).rpartition(b"\n")
        if len(rest) > MAX_LOG_LINE:
            cut = _character_start(rest)
            whole, end, rest = whole + end + rest[:cut], b"\n", rest[cut:]
        self._rest = rest
        return _readable(whole) if end else None

    def finish(self) -> str | None:
        """The stream has ended: a last line without its end counts."""
        return self.feed(b"\n") if self._rest else None


def _character_start(data: bytes) -> int:
    """Where to cut so that no character is halved: before the last one that may not be whole."""
    for back in range(1, min(4, len(data)) + 1):
        if data[-back] & 0xC0 != 0x80:  # the first byte of a character
            return len(data) - back if data[-back] & 0x80 else len(data)
    return len(data)


def _readable(lines: bytes) -> str:
    return lines.decode("utf-8", "replace").replace("\r\n", "\n").removesuffix("\r").replace("\0", "\ufffd")


class ProgressLines:
    """fd 3: `run TEXT` and `run 40% TEXT`, line by line however the reads are cut."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[float | None, str]]:
        """The progress that `data` completes; other words are for later protocols and are passed over."""
        lines = (self._rest + data).split(b"\n")
        self._rest = lines.pop()[:MAX_PROGRESS_LINE]
        return [word for word in map(_progress, lines) if word is not None]

    def finish(self) -> list[tuple[float | None, str]]:
        """The stream has ended: a last line without its end counts."""
        return self.feed(b"\n")


def _progress(line: bytes) -> tuple[float | None, str] | None:
    verb, _, rest = line.decode("utf-8", "replace").replace("\0", "").strip().partition(" ")
    if verb != "run":
        return None
    number, _, text = rest.strip().partition(" ")
    percent = _percent(number)
    return (None, rest.strip()[:1000]) if percent is None else (percent, text.strip()[:1000])


def _percent(word: str) -> float | None:
    if not word.endswith("%"):
        return None
    try:
        number = float(word[:-1])
    except ValueError:
        return None
    return number if 0.0 <= number <= 100.0 else None
