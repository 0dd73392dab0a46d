"""Where files are asked for."""

from __future__ import annotations

import pytest

from hirehall.client.address import Address
from hirehall.client.files import files_at
from hirehall.errors import Unauthenticated, WrongState

HALL = Address(host="hall.example", port=11746, token="t")


@pytest.mark.parametrize(
    ("address", "site", "place"),
    [
        (HALL, "http://files.example:81", ("files.example", 81)),
        (HALL, "http://0.0.0.0:81", ("hall.example", 81)),
        (HALL, "http://[::]:81", ("hall.example", 81)),
        (Address(path="/run/hall", token="t"), "http://0.0.0.0:81", ("127.0.0.1", 81)),
        (Address(path="/run/hall", token="t"), "http://[::]:81", ("::1", 81)),
    ],
)
def test_a_door_that_is_everywhere_is_asked_for_where_the_line_goes(
    address: Address, site: str, place: tuple[str, int]
) -> None:
    assert files_at(address, site)._place == place


def test_a_hall_without_a_door_and_a_client_without_a_token_hear_it() -> None:
    with pytest.raises(WrongState, match="start it with --http"):
        files_at(HALL, None)
    with pytest.raises(Unauthenticated, match="HIREHALL_TOKEN"):
        files_at(HALL._replace(token=None), "http://files.example")
