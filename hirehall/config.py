"""Every option of the server, declared once: flags, environment, TOML and the docs all come from these rows."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct

from hirehall import settings_file
from hirehall.errors import BadRequest
from hirehall.model import LONGEST_SOCKET_PATH

LOG_FORMATS = ("console", "json")
LOG_LEVELS = ("debug", "info", "warning", "error")
MOST = 1_000_000  # of anything that is counted
DEFAULT_DATA = Path("~/.local/state/hirehall")
DEPUTY_PORT = 11746
LAST_PORT = 65_535
OFF = "off"


class Option(Struct, frozen=True):
    """One option: `--some-name`, `HIREHALL_SOME_NAME` in the environment, `some_name` in the TOML file."""

    name: str
    kind: type
    default: Any
    unit: str
    help: str

    @property
    def flag(self) -> str:
        """How it is set on the command line."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def environment(self) -> str:
        """The variable that sets it."""
        return f"HIREHALL_{self.name.upper()}"


OPTIONS = (
    Option("data", str, str(DEFAULT_DATA), "directory", "where jobs, the access file and the UNIX socket are kept"),
    Option("tcp", str, f"127.0.0.1:{DEPUTY_PORT}", "HOST:PORT", "where to listen for JSON lines; port 0: a free one"),
    Option("http", str, "", "HOST:PORT", "where to listen for HTTP; TCP's host and next port by default, off: nowhere"),
    Option("http_host", str, "", "NAMES", "names, with commas, that browsers may know this hall by beside its address"),
    Option("tls_cert", str, "", "FILE", "certificate chain, PEM: with it TCP and HTTP speak TLS"),
    Option("tls_key", str, "", "FILE", "the certificate's key, PEM; SIGHUP reads both files again"),
    Option("unix", str, "", "path", "UNIX socket; DATA/hall.sock by default, none where that is too long"),
    Option("store", str, "", "URL", "the store: sqlite:PATH, or memory: (nothing survives); sqlite:DATA/hall.db"),
    Option("ballast", int, 128, "MiB", "space kept for results when the disk is full; 0: none, the hall stops then"),
    Option("files_quota", int, 10_240, "MiB", "files that the jobs of one token may have; 0: as many as fit"),
    Option("anonymous", str, "", "roles", "roles of who has no token: submit,work,read,admin; never over TLS"),
    Option("max_connections", int, 10_000, "connections", "as many at once; never more than LimitNOFILE less 64"),
    Option("log_format", str, "console", "|".join(LOG_FORMATS), "how the hall's own log is written, to stderr"),
    Option("log_level", str, "warning", "|".join(LOG_LEVELS), "debug says each step of each job, and slows the hall"),
    Option("user", str, "", "NAME", "become this user after reading the TLS key; for root only"),
)  # fmt: skip
BY_NAME = {option.name: option for option in OPTIONS}


class Settings(Struct, frozen=True):
    """What a hall runs with."""

    data: Path
    tcp: str
    unix: Path | None  # None: the default one's path would be too long for a socket
    store: str
    anonymous: tuple[str, ...]
    ballast: int = 0  # MiB
    tls_cert: Path | None = None
    tls_key: Path | None = None
    user: str = ""
    max_connections: int = 10_000
    log_format: str = "console"
    log_level: str = "warning"
    http: str = ""  # none given: beside --tcp
    http_host: tuple[str, ...] = ()
    files_quota: int = 10_240  # MiB; 0: no limit

    @property
    def http_names(self) -> tuple[str, ...]:
        """What else than its address the HTTP door may be called."""
        host = self.http_address[0] if self.http_address is not None else ""
        return self.http_host if not host or _is_address(host) else (*self.http_host, host)

    @property
    def http_address(self) -> tuple[str, int] | None:
        """Where the HTTP door listens, if it does."""
        if self.http == OFF:
            return None
        if self.http:
            return host_and_port(self.http, "http")
        host, port = host_and_port(self.tcp)
        return host, port + 1 if 0 < port < LAST_PORT else 0


def settle(flags: Mapping[str, Any], environment: Mapping[str, str] = os.environ, file: Path | None = None) -> Settings:
    """Flags before environment before file before defaults; None is not given. Raises BadRequest naming the option."""
    from_file = read_file(file) if file is not None else {}
    values: dict[str, Any] = {}
    for option in OPTIONS:
        given = [flags.get(option.name), environment.get(option.environment), from_file.get(option.name)]
        values[option.name] = next((value for value in given if value is not None), option.default)
    data = _expanded(values["data"], values["user"])
    return Settings(
        data,
        values["tcp"],
        _path(values["unix"]) or _default_socket(data),
        values["store"] or f"sqlite:{data / 'hall.db'}",
        _words(values["anonymous"]),
        _count("ballast", values["ballast"], least=0),
        _path(values["tls_cert"]),
        _path(values["tls_key"]),
        values["user"],
        _count("max_connections", values["max_connections"]),
        _one_of("log_format", values["log_format"], LOG_FORMATS),
        _one_of("log_level", values["log_level"], LOG_LEVELS),
        values["http"],
        _words(values["http_host"]),
        _count("files_quota", values["files_quota"], least=0),
    )


def _words(text: str) -> tuple[str, ...]:
    """`a,b,c`."""
    return tuple(word.strip() for word in text.split(",") if word.strip())


def _count(name: str, given: str | int, least: int = 1) -> int:
    """At least so much of something; the environment has texts."""
    text = str(given)
    if not text.isascii() or not text.isdigit() or not least <= int(text) <= MOST:
        option = BY_NAME[name]
        raise BadRequest(f"{option.flag} ({option.environment}) is {text[:40]!r}: give a number from {least} to {MOST}")
    return int(text)


def _one_of(name: str, given: str, words: tuple[str, ...]) -> str:
    if given not in words:
        option = BY_NAME[name]
        raise BadRequest(f"{option.flag} ({option.environment}) is {given[:40]!r}: give {' or '.join(words)}")
    return given


def _path(given: str) -> Path | None:
    return Path(given).expanduser().absolute() if given else None


def _expanded(path: str, user: str) -> Path:
    """`~` is the home of the user that the hall runs as."""
    home = path.replace("~", f"~{user}", 1) if user and path.startswith("~/") else path
    try:
        return Path(home).expanduser().absolute()
    except RuntimeError:
        raise BadRequest(f"--user {user}: there is no such user here") from None


def _default_socket(data: Path) -> Path | None:
    """A data directory may lie too deep for a socket in it; TCP works everywhere."""
    path = data / "hall.sock"
    return path if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH else None


def read_file(path: Path) -> dict[str, Any]:
    """The options that a TOML file sets; a strange one is named with its nearest neighbour."""
    values = settings_file.read(path, BY_NAME, "option")
    for name, value in values.items():
        option = BY_NAME[name]
        if type(value) is not option.kind:
            like = f'"{option.unit}"' if option.kind is str else option.default
            raise BadRequest(f"{path}: {name} is {value!r}; write it like this: {name} = {like}")
    return values


def host_and_port(address: str, name: str = "tcp") -> tuple[str, int]:
    """`HOST:PORT` taken apart; IPv6 hosts stand in brackets."""
    host, colon, port = address.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > LAST_PORT:
        raise BadRequest(
            f"{name} {address!r} (--{name}, HIREHALL_{name.upper()} or the file): write HOST:PORT, for example"
            f" 127.0.0.1:{DEPUTY_PORT + (name == 'http')}"
        )
    return host.strip("[]") or "127.0.0.1", int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
