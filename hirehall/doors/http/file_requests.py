"""What is asked of uploads, which no line can: contents come in pieces, from who sends them."""

from __future__ import annotations

from typing import Literal

from hirehall.wire.replies import Reply
from hirehall.wire.requests import Request

Way = Literal["in", "out"]


class Begin(Request, kw_only=True):
    """`size` in bytes and `sha256` in hex, if they are known: what comes is judged by them."""

    size: int | None = None
    sha256: str | None = None


class Look(Request, kw_only=True):
    upload: str


class More(Look, kw_only=True):
    offset: int


class Finish(Look, kw_only=True): ...


class Abandon(Look, kw_only=True): ...


class Content(Request, kw_only=True):
    sha256: str


class Upload(Reply, kw_only=True):
    """One under way: bytes `received` of `size`, if that was declared."""

    upload: str
    received: int
    size: int | None
    sha256: str | None


class Stored(Reply, kw_only=True):
    """A content that is here whole: the digests in hex, and its length."""

    sha256: str
    md5: str
    bytes: int
