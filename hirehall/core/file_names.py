"""What a file may be called, and how its content is named: the same wherever a file comes from."""

from __future__ import annotations

import re
import unicodedata

from hirehall.errors import BadRequest

MAX_NAME = 255  # bytes
DIGITS = frozenset("0123456789abcdef")
NOT_EVERYWHERE = frozenset('/\\<>:"|?*')  # what Windows refuses, and what leads elsewhere
ESCAPED = re.compile("%[0-9A-Fa-f]{2}")  # decoded once more by somebody it would be another name
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³]) *(\..*)?", re.IGNORECASE)
HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})  # categories: control, format (it may turn text round), half a pair


def check_file_name(name: str) -> None:
    """Raise BadRequest unless it is one that every system can keep in a directory, and no way out of that."""
    if name in (".", "..") or not 1 <= len(name.encode("utf-8", "surrogatepass")) <= MAX_NAME:
        raise BadRequest(f"file name {name[:80]!r}: use 1 to {MAX_NAME} bytes, and neither . nor ..")
    if any(letter in NOT_EVERYWHERE or unicodedata.category(letter) in HIDDEN for letter in name):
        raise BadRequest(f'file name {name[:80]!r}: it may hold none of / \\ < > : " | ? * and no control characters')
    if name[-1] in ". " or name[0] == " " or DEVICES.fullmatch(name) or ESCAPED.search(name):
        raise BadRequest(
            f"file name {name[:80]!r}: no space around it, no . at its end, no %-escape, and no device such as NUL"
        )
    if not unicodedata.is_normalized("NFC", name):
        raise BadRequest(f"file name {name[:80]!r}: write it in Unicode's normal form C")


def check_digest(sha256: str) -> None:
    """Raise BadRequest unless it is a sha256 in hex."""
    if len(sha256) != 64 or not DIGITS.issuperset(sha256):
        raise BadRequest(f"sha256 {sha256[:80]!r}: write it as 64 of the digits 0-9 a-f")
