"""Faults of models and runs: broken versions that go live, and a worker that stands still amid a run."""

import asyncio
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

from safetensors.torch import load_file
from sqlalchemy import select
from sqlalchemy.orm import Session, make_transient

from app.database.engine import open_database
from app.kit.errors import DatabaseUnavailable
from app.tables import Activation, ActivationCause, ModelVersion
from benchmarks.chaos.asking import READINESS, Asker, Call
from benchmarks.chaos.tally import Tally, Wrong
from benchmarks.chaos.world import World
from models.checkpoint import MANIFEST, WEIGHTS, describe, read_document, write_document, write_tensors

LIVE_S = 3  # for which a broken version stays live
RUN_S = 60  # in which a run that waits is taken up


async def serve_broken(world: World, asker: Asker, tally: Tally, how: Literal["cut", "sealed"]) -> None:
    """Break a copy of the live version, try to activate it, then make it live against the rules for a while.

    The former version is to go on serving: the clients see to that.
    """
    if (live := await live_version(asker)) is None:
        return
    broken = f"{live}-{uuid4().hex[:6]}"
    try:
        await asyncio.to_thread(write_broken, world.store / live, world.store / broken, how)
    except FileNotFoundError:
        return  # a newer version went live, and this one was removed
    await write(world, add_version, live, broken)
    call = Call("activate broken", "POST", f"/v1/models/{broken}/activate", {"force": True}, expected=[404, 409])
    reply = await asker.repeat(call)
    if reply is not None and reply.status == 200:
        tally.find(Wrong.ANSWER, f"a version that is {how} was activated")
    await write(world, activate, broken)
    await asyncio.sleep(LIVE_S)
    await asyncio.gather(*(check_refused(asker, tally, broken, address) for address in asker.addresses))
    await asker.repeat(Call("activate", "POST", f"/v1/models/{live}/activate", {"force": True}, expected=[404, 409]))
    await asyncio.to_thread(shutil.rmtree, world.store / broken, ignore_errors=True)


async def check_refused(asker: Asker, tally: Tally, broken: str, address: str) -> None:
    """Check that a process does not answer from a broken version."""
    reply = await asker.ask(Call("readiness", "GET", READINESS), address)
    if reply is not None and reply.body["model_version"] == broken:
        tally.find(Wrong.ANSWER, f"the broken version {broken} serves")


async def live_version(asker: Asker) -> str | None:
    """Return the live version, if there is one."""
    reply = await asker.repeat(Call("list models", "GET", "/v1/models"))
    versions: list[dict[str, Any]] = reply.body["versions"] if reply else []
    return next((each["version"] for each in versions if each["live"]), None)


def write_broken(source: Path, target: Path, how: Literal["cut", "sealed"]) -> None:
    """Copy a version and cut its weights short, or write others of a wrong shape, with right checksums."""
    shutil.copytree(source, target)
    weights = target / WEIGHTS
    if how == "cut":
        with weights.open("r+b") as file:
            file.truncate(weights.stat().st_size // 2)
        return
    tensors = {name: tensor[: len(tensor) // 2] for name, tensor in load_file(weights).items() if tensor.dim()}
    weights.unlink()
    write_tensors(weights, tensors)
    document = read_document(target / MANIFEST)
    document["files"][WEIGHTS] = describe(weights)
    write_document(target / MANIFEST, document)


async def write(world: World, work: Any, *arguments: Any) -> None:
    """Run a function on the database itself, beside all relays; nothing is done where it does not answer."""
    database = open_database(world.server.url)
    try:
        with suppress(DatabaseUnavailable):
            await database.write(work, *arguments)
    finally:
        await database.close()


def add_version(session: Session, source: str, name: str) -> None:
    """Register the copy of a version."""
    version = session.scalars(select(ModelVersion).where(ModelVersion.version == source)).one()
    make_transient(version)
    version.version, version.created_at, version.run_id = name, datetime.now(UTC), None
    session.add(version)


def activate(session: Session, version: str) -> None:
    """Make a version live without looking at its files."""
    now = datetime.now(UTC)
    session.add(Activation(version=version, cause=ActivationCause.FORCED, activated_at=now, reason="chaos"))


async def take_over(world: World, asker: Asker, tally: Tally) -> None:
    """Freeze one worker after the other while a run is under way, for longer than its lease."""
    call = Call("start run", "POST", "/v1/training-runs", {"kind": "deep", "epochs": 200}, key=uuid4().hex)
    if (asked := await asker.repeat(call)) is None:
        return
    if (again := await asker.repeat(call)) is not None and again.body["id"] != asked.body["id"]:
        tally.find(Wrong.ANSWER, f"one key started runs {asked.body['id']} and {again.body['id']}")
    with suppress(TimeoutError):
        await asyncio.wait_for(wait_for_run(asker, asked.body["id"]), RUN_S)
    for worker in world.workers:
        worker.freeze()
        await asyncio.sleep(5)
        worker.thaw()
    path = f"/v1/training-runs/{asked.body['id']}"
    await asker.repeat(Call("cancel run", "DELETE", path, expected=[409]))


async def wait_for_run(asker: Asker, number: int) -> None:
    """Wait until a worker has taken a run up."""
    while True:
        reply = await asker.ask(Call("read run", "GET", f"/v1/training-runs/{number}"))
        if reply is not None and reply.body["state"] != "queued":
            return
        await asyncio.sleep(0.5)
