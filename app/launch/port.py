"""The port to listen on. Nothing else is loaded, so that a taken one is reported at once."""

import errno
import socket

from app.settings import Settings


def is_free(settings: Settings) -> bool:
    """Return whether the ports of server and trainer can be had; print why not."""
    for name in ("port", "worker_port"):
        try:
            if (port := getattr(settings, name)) is not None:
                listen(settings.host, port).close()
        except OSError as error:
            import typer  # a server does without

            typer.secho(port_problem(settings, error, name), fg="red")
            return False
    return True


def port_problem(settings: Settings, error: OSError, name: str = "port") -> str:
    """Return in one sentence why a port cannot be had."""
    reason, setting = (error.strerror or str(error)).lower(), f"PALATE_{name}".upper()
    advice = {
        errno.EADDRINUSE: f"Stop what is there, or set {setting}.",
        errno.EACCES: f"Set {setting} to 1024 or more.",
    }.get(
        0 if isinstance(error, socket.gaierror) else error.errno or 0, "Set PALATE_HOST to an address of this machine."
    )
    return f"palate: cannot listen on {settings.host}:{getattr(settings, name)}: {reason}. {advice}"


def listen(host: str, port: int) -> socket.socket:
    """Bind the address, so that a taken port is reported before anything starts.

    Raises:
        OSError: if the address is taken or not this machine's.
    """
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listening = socket.socket(family, kind, protocol)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(address)
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    listening.set_inheritable(True)
    return listening
