"""Fixtures: servers of the built binary, shared by the whole run where a test does not need one of its own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sextant
from support.places import MODEL, has_model
from support.rest import Rest
from support.server_process import ServerProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if os.environ.get("SEXTANT_SLOW"):
        return
    skip = pytest.mark.skip(reason="takes minutes; set SEXTANT_SLOW=1 (tests/nightly)")
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the hashed embedder, for all tests that keep to libraries of their own."""
    with ServerProcess(tmp_path_factory.mktemp("server") / "db") as process:
        yield process
        assert process.running, "the server ended by itself:\n" + "\n".join(process.lines[-15:])
        assert process.stop() == 0


@pytest.fixture(scope="session")
def local_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """The same with the local model."""
    if not has_model():
        pytest.skip(f"the model is not in {MODEL}")
    with ServerProcess(tmp_path_factory.mktemp("local-server") / "db", embedder="local") as process:
        yield process
        assert process.running
        assert process.stop() == 0


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers of the test's own, by default all on the same directory; kills what is left of them."""
    started: list[ServerProcess] = []

    def start(data: Path | None = None, **options: Any) -> ServerProcess:
        process = ServerProcess(data or tmp_path / "db", **options)
        started.append(process)
        return process.start()

    yield start
    for process in started:
        if process.running:
            process.kill()


@pytest.fixture(scope="session")
def rest(server: ServerProcess) -> Iterator[Rest]:
    rest = Rest(server.url)
    yield rest
    rest.close()


@pytest.fixture(scope="session")
def client(server: ServerProcess) -> Iterator[sextant.Client]:
    with sextant.Client(server.url) as client:
        yield client


@pytest.fixture
def library(rest: Rest) -> str:
    """Path of a new, empty library."""
    return rest.library()


@pytest.fixture
def name(library: str) -> str:
    """Full name of that library."""
    return library.removeprefix("/v1/libraries/")
