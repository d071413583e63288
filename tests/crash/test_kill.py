"""Kill -9 under writes: what was acknowledged is there, whole; what was pending is there whole or not at all.

SEXTANT_KILLS sets how many kills (default 10), SEXTANT_SEED the seed (default: another one each run, printed). Each
run prints seed, kills, operations, acknowledged ones, and pending ones that were found or not. With N clean kills the
rate of failures is below 3/N at a confidence of 95 %.
"""

from __future__ import annotations

import os
import random
import re
import threading
from pathlib import Path

import pytest
from support.places import ROOT
from support.rest import Rest
from support.server_process import ServerProcess

from content import DIMENSION
from ledger import Ledger
from verify import check_all
from workload import LIBRARIES, Writer, start

WRITERS = 4
PATIENCE_S = 120  # for progress of the writers, on a machine that is busy with other things


@pytest.fixture
def seed() -> int:
    seed = int(os.environ.get("SEXTANT_SEED") or random.SystemRandom().randrange(1 << 32))
    print(f"SEXTANT_SEED={seed}")
    return seed


def create_libraries(server: ServerProcess) -> None:
    rest = Rest(server.url)
    for library in (*LIBRARIES, "crash.filler"):
        field = {"dimension": DIMENSION, "model": "crash"}
        rest.ok("POST", "/v1/libraries", {"name": library, "vectors": {"embedding": field}}, status=201)
    rest.close()


def write_until(ledger: Ledger, writers: list[Writer], threads: list[threading.Thread], acknowledged: int) -> None:
    """Waits until so many more operations are acknowledged, or no writer is left."""
    with ledger.changed:
        target = ledger.counts.acknowledged + acknowledged

        def done() -> bool:
            failed = any(writer.failure for writer in writers)
            return failed or ledger.counts.acknowledged >= target or not any(t.is_alive() for t in threads)

        assert ledger.changed.wait_for(done, PATIENCE_S), "the writers make no progress"


def end(writers: list[Writer], threads: list[threading.Thread]) -> None:
    for thread in threads:
        thread.join(PATIENCE_S)
        assert not thread.is_alive()
    for writer in writers:
        if writer.failure is not None:
            raise writer.failure


def verify(server: ServerProcess, ledger: Ledger, seed: int) -> None:
    rest = Rest(server.url)
    try:
        check_all(rest, ledger, seed)
    finally:
        rest.close()


def report(ledger: Ledger, kills: int, early: int) -> None:
    counts = ledger.counts
    print(
        f"{kills} kills under writes and {early} while opening; {counts.operations} operations, "
        f"{counts.acknowledged} acknowledged; pending {counts.pending_found} found, "
        f"{counts.pending_not_found} not found, {counts.pending_in_part} found as a first part of separate documents; {counts.repeats} repeats of keys; "
        f"0 failures, rate below {3 / kills:.2g} (95 %)"
    )


def test_kills_at_random_moments(tmp_path: Path, seed: int) -> None:
    kills = int(os.environ.get("SEXTANT_KILLS") or 10)
    numbers = random.Random(seed)
    ledger = Ledger()
    writers = [Writer(number, seed, ledger) for number in range(WRITERS)]
    server = ServerProcess(tmp_path / "db", embedder="none")
    early = 0
    with server:
        create_libraries(server)
        for _ in range(kills):
            threads = start(writers, server.url)
            write_until(ledger, writers, threads, numbers.randint(1, 150))
            threading.Event().wait(numbers.uniform(0, 0.01))  # anywhere between two acknowledgements
            assert server.running, "the server ended by itself:\n" + "\n".join(server.lines[-15:])
            server.kill()
            end(writers, threads)
            while numbers.random() < 0.25:
                server.launch()
                server.wait_for(lambda event: False, numbers.uniform(0, 0.3))
                server.kill()
                early += 1
            server.start()
            verify(server, ledger, seed)
        assert server.stop() == 0
        server.start()
        verify(server, ledger, seed)
        assert server.stop() == 0
    report(ledger, kills, early)


COMMIT_POINTS = [
    "commit.before_append",
    "commit.before_apply",
    "commit.before_publish",
    "log.append.before_write",
    "log.append.after_write",
    "log.sync.before",
    "log.sync.after",
    "records.write.before",
    "records.write.after",
]
ROTATION_POINTS = ["log.rotate.before", "log.rotate.after_create"]
STOP_POINTS = ["records.flush.before"]
UNREACHED_POINTS = ["log.trim.before_persist", "log.trim.after_persist"]  # no server trims its log so far
LOG_FILE_BYTES = 64 << 20


def die_at(point: str, nth: int, data: Path) -> ServerProcess:
    """A server that ends itself there, as if killed; see base/fault_point.h."""
    return ServerProcess(data, embedder="none", environment={"SEXTANT_FAULT": f"{point}:{nth}:kill"})


def fill_log(server: ServerProcess) -> None:
    """Makes the log's first file nearly full, so that a few more writes begin the next."""
    rest = Rest(server.url)
    filler = "x" * 900_000
    while (left := LOG_FILE_BYTES - rest.ok("GET", "/v1/status")["bytes"]["log"]) > 100_000:
        text = filler[: left - 50_000]
        chunk = {"id": "filler", "vector": [1.0] * DIMENSION, "text": text}
        documents = [{"id": "filler", "chunks": [chunk]}]
        rest.ok("POST", "/v1/libraries/crash.filler/documents", {"documents": documents, "durability": "flushed"})
    rest.close()


def test_every_named_point_is_known_here() -> None:
    found = {
        name
        for file in (ROOT / "src").rglob("*.cpp")
        if not file.stem.endswith("_test")
        for name in re.findall(r'FAULT_POINT\("([^"]+)"\)', file.read_text())
    }
    assert found == {*COMMIT_POINTS, *ROTATION_POINTS, *STOP_POINTS, *UNREACHED_POINTS}


@pytest.mark.parametrize("point", [*COMMIT_POINTS, *ROTATION_POINTS, *STOP_POINTS])
def test_death_at_a_named_point(tmp_path: Path, seed: int, point: str) -> None:
    numbers = random.Random(f"{seed} {point}")
    ledger = Ledger()
    writers = [Writer(number, seed, ledger) for number in range(WRITERS)]
    with ServerProcess(tmp_path / "db", embedder="none") as server:
        create_libraries(server)
        if point in ROTATION_POINTS:
            fill_log(server)
        server.stop()
    with die_at(point, numbers.randint(5, 60) if point in COMMIT_POINTS else 1, server.data) as armed:
        threads = start(writers, armed.url)
        if point in STOP_POINTS:
            write_until(ledger, writers, threads, numbers.randint(5, 60))
            armed.terminate()
        assert armed.wait(PATIENCE_S) == 137, "the point was not reached"
        end(writers, threads)
    with server:
        verify(server, ledger, seed)
        assert server.stop() == 0
    report(ledger, 1, 0)
