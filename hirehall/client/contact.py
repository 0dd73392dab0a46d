"""What both clients are: where the hall is, how long to try, and one session."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial
from typing import Generic

from hirehall.client.address import Address, locate
from hirehall.client.jobs import J, JobMaker
from hirehall.client.session import Session, Welcome
from hirehall.errors import Unavailable


class Contact(ABC, Generic[J]):
    """A connection to a hall. Without arguments: HIREHALL_URL, HIREHALL_DATA, or this machine's own.
    `reconnect_seconds`: how long to try after the connection was lost."""

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        name: str = "",
        data: str | os.PathLike[str] | None = None,
        ca: str | os.PathLike[str] | None = None,
        reconnect_seconds: float = 60.0,
    ) -> None:
        self._locate: Callable[[], Address] = partial(locate, url, token, data=data, ca=ca)
        self._patience = reconnect_seconds
        self._session = Session(name=name)
        self._maker: JobMaker[J] = JobMaker(self._job, self._session.followed)
        self._begin()

    @abstractmethod
    def _begin(self) -> None:
        """What the shell needs beside this."""

    @abstractmethod
    def _job(self, id: str, state: str | None, duplicate: bool) -> J:  # noqa: A002
        """A handle of the shell's own kind."""

    @property
    def welcome(self) -> Welcome:
        """What the hall said to `hello`, last. Raises Unavailable before it was heard."""
        if self._session.welcome is None:
            raise Unavailable("not connected yet")
        return self._session.welcome

    @property
    def address(self) -> Address:
        """Where the hall is, and the token for it."""
        return self._locate()

    def job(self, id: str) -> J:  # noqa: A002
        """A handle on a job that was submitted elsewhere."""
        return self._job(id, None, False)
