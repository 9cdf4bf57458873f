"""Runs the server: takes the port, starts the processes that answer, says when they do, and lets them end in peace."""

from __future__ import annotations

import errno
import os
import signal
import socket
import ssl
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shopctl.http.application import application, check_system
from shopctl.http.errors import CannotListen, PortInUse, ReadyFileUnwritable, ServerFailed, TlsUnusable
from shopctl.kernel import logging

if TYPE_CHECKING:
    from shopctl.kernel.settings import Settings

DRAIN = 8  # seconds that requests on their way are given
_TERMINATED = 128 + signal.SIGTERM
_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}  # noqa: S104 - where to knock, not where to listen


def serve(
    settings: Settings,
    *,
    host: str,
    port: int,
    workers: int = 1,
    system: str | None = None,
    tls: tuple[Path | None, Path | None] = (None, None),
    ready_file: Path | None = None,
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Serve until SIGTERM (SystemExit 143) or SIGINT (KeyboardInterrupt). The caller has no database open.

    Raises UnknownSystem, TlsUnusable, PortInUse, CannotListen, ReadyFileUnwritable before anything is started, and
    ServerFailed when the processes end by themselves.
    """
    check_system(system)
    _check_tls(*tls)
    port = _free(host, port)
    scheme = "http" if tls[0] is None else "https"
    url = _url(scheme, _ANYWHERE.get(host, host), port)
    if ready_file is not None:
        _check_writable(ready_file)
    application(settings, system)  # what it needs is loaded once, and the processes that are forked share it
    from granian.constants import Interfaces, Loops, SSLProtocols
    from granian.log import LogLevels
    from granian.server import Server

    server: Any = Server(
        "shopctl",
        address=host,
        port=port,
        interface=Interfaces.ASGINL,
        loop=Loops.asyncio,
        workers=workers,
        websockets=False,
        log_level=LogLevels.info if settings.log_level == "debug" else LogLevels.warning,
        log_dictconfig=_LOGGING,
        ssl_cert=tls[0],
        ssl_key=tls[1],
        ssl_protocol_min=SSLProtocols.tls12,
        workers_kill_timeout=DRAIN,
        respawn_failed_workers=True,
    )
    logging.attach()
    received: list[int] = []
    interrupt = server.signal_handler_interrupt

    def ended(number: int, frame: Any) -> None:
        received.append(number)
        interrupt()

    server.signal_handler_interrupt = ended
    ready = threading.Thread(target=_say_when_ready, args=(url, ready_file, say), daemon=True)
    server.on_startup(ready.start)
    try:
        server.serve(target_loader=partial(_load, settings, system, os.getpid()), wrap_loader=False)
    except SystemExit as left:
        if left.code == _TERMINATED:  # before the server heeded signals itself
            raise
        raise ServerFailed(reason=f"its processes could not go on ({left.code})") from None
    except OSError as error:
        raise _refused(error, host, port) from None
    finally:
        if ready_file is not None:
            ready_file.unlink(missing_ok=True)
    if signal.SIGINT in received:
        raise KeyboardInterrupt
    raise SystemExit(_TERMINATED)


# The server's own lines go the way of all others, redacted; it would write them to standard output.
_LOGGING: dict[str, Any] = {
    "formatters": {},
    "handlers": {},
    "loggers": {"_granian": {"propagate": True}, "granian.access": {"propagate": True}},
}


def _load(settings: Settings, system: str | None, parent: int) -> Any:
    """The application, within a process that answers."""
    _end_with(parent)
    logging.configure(settings)
    logging.attach()
    return application(settings, system)


def _end_with(parent: int) -> None:
    """Have this process end when its parent does, however that ends: else it would keep the port."""
    import ctypes

    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG, prctl(2); systems without it let it be
        if os.getppid() != parent:
            os.kill(os.getpid(), signal.SIGTERM)


def _free(host: str, port: int) -> int:
    """The port, after a look at whether it can be had. Raises PortInUse, CannotListen.

    The processes share it by SO_REUSEPORT, under which a second server would take half of the first one's requests
    without a word; here it is asked for alone.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind(address)
            trial.listen(1)
            return int(trial.getsockname()[1])
    except OSError as error:
        raise _refused(error, host, port) from None


def _refused(error: OSError, host: str, port: int) -> Exception:
    if error.errno == errno.EADDRINUSE:
        return PortInUse(host=host, port=port)
    return CannotListen(host=host, port=port, reason=(error.strerror or str(error)).lower())


def _check_tls(cert: Path | None, key: Path | None) -> None:
    if cert is None and key is None:
        return
    try:
        if cert is None or key is None:
            raise ValueError("only one of them is given")

        def no_password() -> str:
            raise ValueError("the key has a password")

        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(cert, key, no_password)
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or str(error)
        raise TlsUnusable(cert=cert, key=key, reason=str(reason).lower().replace("_", " ")) from None


def _check_writable(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)  # of a server that was killed: it must not be taken for this one's
        draft = _draft(path)
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise ReadyFileUnwritable(path=path, reason=(error.strerror or str(error)).lower()) from None


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.{os.getpid()}.new")


def _say_when_ready(url: str, ready_file: Path | None, say: Callable[[str], None]) -> None:
    time.sleep(0.1)  # the processes are forked meanwhile, from a parent whose threads hold no lock
    while not _answers(url):
        time.sleep(0.02)
    if ready_file is not None:
        draft = _draft(ready_file)
        draft.write_text(f"{url}\n")
        draft.replace(ready_file)
    say(f"serving at {url}")


def _answers(url: str) -> bool:
    """Whether somebody answers, be it that the shop is not well."""
    from urllib.error import HTTPError, URLError
    from urllib.request import HTTPSHandler, ProxyHandler, build_opener

    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is our own door that is knocked at
    opener = build_opener(ProxyHandler({}), HTTPSHandler(context=context))
    try:
        opener.open(f"{url}/healthz", timeout=10).close()
    except HTTPError:
        return True
    except (URLError, OSError):
        return False
    return True


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"
