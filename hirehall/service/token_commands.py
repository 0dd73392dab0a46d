"""Tokens: made, listed, revoked; and what becomes of those who came with one that counts no more."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

from hirehall.core.checks import check_name, check_queue, check_seconds, read_time
from hirehall.core.operations import APPLIED, TokenChange
from hirehall.errors import BadRequest, Forbidden, NotFound, Unauthenticated, WrongState
from hirehall.model import StoredToken
from hirehall.service.access import LOCAL, ROLES, digest_of, new_token
from hirehall.service.answers import AfterCommit, Answer, error_reply, rfc3339
from hirehall.service.logins import LINK_SECONDS
from hirehall.service.scope import check_unlimited
from hirehall.service.sessions import ANONYMOUS, Session
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

MAX_NAMES = 1_000
MAX_TOKENS = 10_000


def token(hall: Hall, session: Session, message: requests.Token) -> AfterCommit:
    """Create, list or revoke."""
    check_unlimited(session, "handle tokens")
    act = ACTS.get(message.do)
    if act is None:
        raise BadRequest(f"token does not know {message.do[:40]!r}: use one of {', '.join(ACTS)}")
    return act(hall, message)


def _create(hall: Hall, message: requests.Token) -> AfterCommit:
    name, roles = _new_name(message), _roles(message)
    _check_limits(message)
    if len(hall.tokens.stored()) >= MAX_TOKENS:
        raise WrongState(f"there are {MAX_TOKENS} tokens: revoke some that nobody needs")
    now = hall.core.now.wall_ms
    secret = new_token()
    made = StoredToken(name, digest_of(secret), roles, message.queues, message.kinds, now, _expiry(message, now))
    change = hall.core.collecting.add_token(TokenChange(name, made))
    return AfterCommit(lambda: _created(change, secret))


def _created(change: TokenChange, secret: str) -> replies.TokenCreated:
    if change.answer != APPLIED:
        raise WrongState(f"there is a token {change.name!r} already: revoke it first, or take another name")
    return replies.TokenCreated(token=secret, name=change.name)


def _new_name(message: requests.Token) -> str:
    """It stands before a slash in the names of lease holders, and these begin with ~ for those without a token."""
    name = _name(message)
    if "/" in name or name.startswith("~") or name in (LOCAL, ANONYMOUS):
        raise BadRequest(
            f"a token cannot be called {name[:80]!r}: use a name without / or ~, and not local or anonymous"
        )
    return name


def _name(message: requests.Token) -> str:
    if message.name is None:
        raise BadRequest("name the token")
    check_name("token", message.name)
    return message.name


def _roles(message: requests.Token) -> list[str]:
    for role in message.roles:
        if role not in ROLES:
            near = difflib.get_close_matches(role, sorted(ROLES), 1)
            hint = f"did you mean {near[0]!r}?" if near else f"use {', '.join(sorted(ROLES))}"
            raise BadRequest(f"there is no role {role[:40]!r}: {hint}")
    if not message.roles:
        raise BadRequest(f"a token needs a role: give one or more of {', '.join(sorted(ROLES))}")
    return sorted(set(message.roles))


def _check_limits(message: requests.Token) -> None:
    for what, names, check in (
        ("queues", message.queues, check_queue),
        ("kinds", message.kinds, lambda kind: check_name("kind", kind)),
    ):
        if names is None:
            continue
        if not 1 <= len(names) <= MAX_NAMES or "*" in names:
            raise BadRequest(f"{what} of a token: name 1 to {MAX_NAMES}, or leave {what} out for all of them")
        for name in names:
            check(name)


def _expiry(message: requests.Token, now: int) -> int | None:
    """Epoch milliseconds."""
    if message.expires_at is not None and message.ttl_seconds is not None:
        raise BadRequest("give expires_at or ttl_seconds, not both")
    check_seconds("ttl_seconds", message.ttl_seconds)
    if message.ttl_seconds is not None:
        return now + round(message.ttl_seconds * 1000)
    at = None if message.expires_at is None else read_time("expires_at", message.expires_at)
    if at is not None and at <= now:
        raise BadRequest(f"expires_at is {rfc3339(at)}, which is over: give a time to come")
    return at


def _list(hall: Hall, message: requests.Token) -> AfterCommit:
    return AfterCommit(lambda: replies.TokensReply(tokens=[_view(stored) for stored in hall.tokens.stored()]))


def _view(stored: StoredToken) -> replies.TokenView:
    return replies.TokenView(
        name=stored.name,
        roles=stored.roles,
        queues=stored.queues,
        kinds=stored.kinds,
        created_at=rfc3339(stored.created_at) or "",
        expires_at=rfc3339(stored.expires_at),
    )


def _revoke(hall: Hall, message: requests.Token) -> AfterCommit:
    name = _name(message)
    if name == LOCAL:
        raise WrongState(
            "token 'local' is the one in access.json of the data directory: to replace it stop the hall, remove that"
            " file and start the hall again"
        )
    change = hall.core.collecting.add_token(TokenChange(name))
    return AfterCommit(lambda: _revoked(change))


def _revoked(change: TokenChange) -> replies.Reply:
    if change.answer != APPLIED:
        raise NotFound(f"there is no token {change.name[:80]!r}: see `hirehall token list`")
    return replies.Reply()


ACTS: dict[str, Callable[[Hall, requests.Token], AfterCommit]] = {"create": _create, "list": _list, "revoke": _revoke}


def link(hall: Hall, session: Session, message: requests.Link) -> Answer:
    """An address for a browser that logs in once, as who asks."""
    logins = hall.tokens.logins
    digest = hall.tokens.digest_named(session.identity.name) if session.greeted else None
    if not logins.url:
        raise WrongState("this hall has no HTTP door to log in at: start it with --http")
    if digest is None:
        raise Forbidden("a browser logs in as a token: say hello with one")
    return replies.LinkReply(link=logins.new_link(digest, hall.core.now.mono), expires_in_seconds=LINK_SECONDS)


def expel(hall: Hall, names: Collection[str], why: str) -> None:
    """The tokens of these names count no more: their sessions end now, and what their workers hold is ready at once."""
    for name in names:
        sessions = [session for session in hall.sessions.values() if session.greeted and session.identity.name == name]
        hall.core.expel(name, {session.number for session in sessions})
        for session in sessions:
            session.behind.clear()
            session.put(error_reply(Unauthenticated(f"token {name!r} {why}: ask for another")))
            session.end()
            session.flush()
            session.connection.close()
            hall.closed(session)
