"""Conformance: tokens are stored by name, all or nothing with the batch."""

from __future__ import annotations

from hirehall.core.operations import TokenChange
from hirehall.model import StoredToken
from tests.stores.books import Books


def token(name: str, **fields: object) -> StoredToken:
    plain: dict[str, object] = {"roles": ["work"], "queues": None, "kinds": None, "created_at": 5, "expires_at": None}
    return StoredToken(name=name, digest=f"digest of {name}".encode(), **{**plain, **fields})  # type: ignore[arg-type]


def change(books: Books, *changes: TokenChange) -> list[str]:
    batch = books.batch()
    batch.tokens += changes
    return [one.answer for one in books.apply(batch).tokens]


def test_a_created_token_is_found_with_all_its_limits(books: Books) -> None:
    limited = token("night", roles=["read", "work"], queues=["a", "b"], kinds=["saw"], expires_at=9)
    assert change(books, TokenChange("night", limited), TokenChange("day", token("day"))) == ["applied", "applied"]
    assert books.recover().tokens == [token("day"), limited]


def test_a_name_is_taken_until_its_token_is_revoked(books: Books) -> None:
    first, second = token("x"), StoredToken("x", b"other", ["read"], None, None, 6, None)
    assert change(books, TokenChange("x", first), TokenChange("x", second)) == ["applied", "duplicate"]
    assert books.recover().tokens == [first]
    assert change(books, TokenChange("x"), TokenChange("x", second)) == ["applied", "applied"]
    assert books.recover().tokens == [second]


def test_revoking_what_is_not_there_is_not_found(books: Books) -> None:
    assert change(books, TokenChange("nobody")) == ["not_found"]
