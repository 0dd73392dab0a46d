"""What a hall refuses to start with, S1 to S9: each is one function, one sentence and one test.

All of them raise BadRequest, which `serve` answers with exit status 78: starting again does not help. S8 and S10 cannot
be broken: the HTTP door has no CORS at all, and heeds no header of a proxy. docs/decisions/006 has the reasons.
"""

from __future__ import annotations

import os
import pwd
import stat
from pathlib import Path

from hirehall.config import Settings, host_and_port, is_loopback
from hirehall.errors import BadRequest

ROOT = 0
OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH
OTHERS_READ = stat.S_IRWXG | stat.S_IRWXO
LEAST_BITS = 128
BITS_PER_LETTER = 6  # of a token in the alphabet of base64
LEAST_LETTERS = 8  # different ones: a random token of 128 bits has more


def check_settings(settings: Settings) -> None:
    """What can be seen before anything is opened."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        given, missing = ("--tls-cert", "--tls-key") if settings.tls_key is None else ("--tls-key", "--tls-cert")
        raise BadRequest(f"{given} is given without {missing}: TLS needs both")
    for where in remote_addresses(settings):
        check_remote_is_not_anonymous(where, settings.anonymous)
        check_remote_has_tls(where, settings.tls_cert)
        check_remote_is_not_root(where, settings.user)
    if settings.tls_key is not None:
        check_key(settings.tls_key)


def remote_addresses(settings: Settings) -> list[str]:
    """The options, with their hosts, that let other machines in."""
    http = settings.http_address if settings.http else None  # else where --tcp is
    hosts = [("--tcp", host_and_port(settings.tcp)[0]), *([("--http", http[0])] if http is not None else [])]
    return [f"{flag} {host}" for flag, host in hosts if not is_loopback(host)]


def check_remote_is_not_anonymous(where: str, anonymous: tuple[str, ...]) -> None:
    """S1: beyond this machine nobody has a role without a token."""
    if anonymous:
        raise BadRequest(
            f"{where} with --anonymous would let every machine in without a token: leave --anonymous out and make"
            " tokens with `hirehall token create`, or listen on 127.0.0.1"
        )


def check_remote_has_tls(where: str, certificate: Path | None) -> None:
    """S2: tokens and payloads do not cross a network in the clear."""
    if certificate is None:
        raise BadRequest(
            f"{where} is open to other machines, which needs TLS: give --tls-cert and --tls-key, or listen on 127.0.0.1"
        )


def check_access_file(path: Path, token: str) -> None:
    """S3 and S7: nobody else could read the token, and nobody can guess it."""
    check_private(path, "remove it, and the hall makes a new token")
    secret = token.removeprefix("hall_")
    if len(secret) * BITS_PER_LETTER < LEAST_BITS or len(set(secret)) < LEAST_LETTERS:
        raise BadRequest(
            f"the token in {path} has less than {LEAST_BITS} random bits: remove the file, and the hall makes a new one"
        )


def check_private(path: Path, remedy: str) -> None:
    """S3: a secret belongs to this user, who alone may read it."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return
    if found.st_mode & OTHERS_READ:
        raise BadRequest(f"{path} can be read by others, who may know the token in it: {remedy}")
    if _is_foreign(found):
        raise BadRequest(f"{path} belongs to another user, who may know the token in it: {remedy}")


def check_remote_is_not_root(where: str, user: str) -> None:
    """S4: what strangers can reach does not run as root. `user` is who the hall will become."""
    if os.geteuid() == ROOT and (not user or _is_root(user)):
        raise BadRequest(
            f"{where} is open to other machines, and this is root: name another user to become with --user, or"
            " start the hall as that user"
        )


def _is_root(user: str) -> bool:
    try:
        return pwd.getpwnam(user).pw_uid == ROOT
    except KeyError:
        raise BadRequest(f"--user {user}: there is no such user here") from None


def check_config_file(path: Path) -> None:
    """S5: who can write the options of a hall can have its jobs. A file that is not there is not judged here."""
    try:
        found = path.stat()
    except OSError:
        return
    if found.st_mode & OTHERS_WRITE and not stat.S_ISCHR(found.st_mode):
        raise BadRequest(f"the configuration {path} can be written by others: chmod go-w {path}")
    if _is_foreign(found):
        raise BadRequest(f"the configuration {path} belongs to another user: make it yours with chown")


def check_key(path: Path) -> None:
    """S6: a TLS key is for its user alone; one that root has may be lent to a group, as for PostgreSQL."""
    try:
        found = path.stat()
    except OSError as exc:
        raise BadRequest(f"cannot read the TLS key {path}: {exc.strerror}") from exc
    lent = stat.S_IRGRP if found.st_uid == ROOT else 0
    if found.st_mode & OTHERS_READ & ~lent:
        raise BadRequest(f"the TLS key {path} can be read or changed by others: chmod 600 {path}")
    if _is_foreign(found):
        raise BadRequest(f"the TLS key {path} belongs to another user: make it yours with chown, or root's")


def check_directory(path: Path) -> None:
    """S9: who can write into the data directory can replace what is in it."""
    found = path.stat()
    if found.st_mode & OTHERS_WRITE:
        raise BadRequest(f"the data directory {path} can be written by others: chmod go-w {path}")
    if _is_foreign(found):
        raise BadRequest(f"the data directory {path} belongs to another user: make it yours with chown")


def _is_foreign(found: os.stat_result) -> bool:
    """Whether someone else, who is not root either, could change it at any time. Root has no equals: it may serve what
    belongs to the user that it will become, or to a container's volume."""
    return os.geteuid() not in (ROOT, found.st_uid) and found.st_uid != ROOT
