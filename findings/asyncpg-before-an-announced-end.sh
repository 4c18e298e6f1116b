#!/bin/sh
# Between a server's word that an idle connection ends and its end, asyncpg raises an error that is in no list.
#
# Guess: a query on such a connection raises ConnectionDoesNotExistError or InterfaceError, as on one that is closed, so
#        whoever retries on those two (and on PostgresConnectionError) is safe from pg_terminate_backend and restarts.
# Seen:  asyncpg 0.32.0 raises InternalClientError, which is neither; `is_closed()` says False until then.
# The server here says no more than PostgreSQL's protocol has it say: an ErrorResponse with FATAL and 57P01, at any time.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet asyncpg==0.32.0
cat > "$folder/try.py" <<'PYTHON'
import asyncio
import struct

import asyncpg


def message(kind, body):
    return kind + struct.pack("!i", len(body) + 4) + body


READY = message(b"Z", b"I")
ENDING = message(b"E", b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0")


async def serve(reader, writer):
    """Let a client in, then announce the end, as a server does whose backend is terminated."""
    (size,) = struct.unpack("!i", await reader.readexactly(4))
    await reader.readexactly(size - 4)
    version = message(b"S", b"server_version\0" + b"17.0\0")
    writer.write(message(b"R", struct.pack("!i", 0)) + version + READY)
    await asyncio.sleep(0.1)
    writer.write(ENDING)
    await reader.read()
    writer.close()


async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    connection = await asyncpg.connect(host="127.0.0.1", port=port, user="u", database="d", ssl=False)
    await asyncio.sleep(0.5)
    closed = connection.is_closed()
    try:
        await connection.fetchval("SELECT 1")
    except Exception as error:
        print(f"asyncpg {asyncpg.__version__}: is_closed() {closed}, then {type(error).__name__}: {error}")
        assert not closed
        assert type(error) is asyncpg.InternalClientError, error
        assert not isinstance(error, (OSError, asyncpg.InterfaceError, asyncpg.PostgresError))
    else:
        raise SystemExit("it answered")
    connection.terminate()
    await asyncio.sleep(0.2)
    server.close()


asyncio.run(main())
PYTHON
"$folder/venv/bin/python" "$folder/try.py"
