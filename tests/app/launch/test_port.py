"""Why a port cannot be had, and what to do about it."""

import socket

import pytest

from app.launch.port import is_free
from app.settings import Settings

pytestmark = pytest.mark.unit


def test_a_taken_port_is_told_apart_from_a_wrong_address(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for host, advice in (
            ("127.0.0.1", "Stop what is there, or set PALATE_PORT."),
            ("nowhere.invalid", "Set PALATE_HOST to an address of this machine."),
            ("192.0.2.1", "Set PALATE_HOST to an address of this machine."),
        ):
            assert not is_free(Settings(_env_file=None, host=host, port=port))
            assert capsys.readouterr().out.strip().endswith(advice)
        assert not is_free(Settings(_env_file=None, port=0, worker_port=port))
        assert capsys.readouterr().out.strip().endswith("or set PALATE_WORKER_PORT.")
