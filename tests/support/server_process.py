"""A `sextant serve` of one's own: started, asked, stopped or killed by its pid."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from .places import MODEL, binary

START_SECONDS = 120
STOP_SECONDS = 60


class ServerProcess:
    """One process on one database directory. `start` returns when it is ready; what it logs is in `events`."""

    def __init__(
        self,
        data: Path,
        *,
        embedder: str = "hashed",
        listen: str = "127.0.0.1:0",
        arguments: Sequence[str] = (),
        config: Mapping[str, Any] | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self._command = [str(binary()), "serve", "--data", str(data), "--listen", listen, "--embedder", embedder]
        if embedder == "local":
            self._command += ["--model-dir", str(MODEL)]
        self._command += arguments
        if config is not None:
            file = data.with_name(data.name + ".config.json")
            file.write_text(json.dumps(config))
            self._command += ["--config", str(file)]
        self._environment = {**clean_environment(), **(environment or {})}
        self._process: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._changed = threading.Condition()
        self._ended = False
        self.lines: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.address = ""

    def __enter__(self) -> ServerProcess:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.running:
            self.kill()

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> ServerProcess:
        self.launch()
        ready = self.wait_for(lambda event: event.get("event") == "server_ready", START_SECONDS)
        if ready is None:
            if self.running:
                self.kill()
            raise AssertionError("the server did not become ready; its last lines:\n" + "\n".join(self.lines[-15:]))
        self.address = ready["address"]
        return self

    def launch(self) -> None:
        """Starts the process without waiting for it."""
        self.lines, self.events, self.address, self._ended = [], [], "", False
        self._process = subprocess.Popen(
            self._command, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, env=self._environment
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool], seconds: float) -> dict[str, Any] | None:
        """The first event that is wanted; None when the process ended or the time is over without it."""
        end = time.monotonic() + seconds
        seen = 0
        with self._changed:
            while True:
                for event in self.events[seen:]:
                    if wanted(event):
                        return event
                seen = len(self.events)
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    return None
                self._changed.wait(left)

    def terminate(self) -> None:
        """Asks it to stop."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Its exit status, once it has ended and all that it logged is here."""
        assert self._process is not None
        status = self._process.wait(seconds)
        assert self._reader is not None
        self._reader.join(seconds)
        return status

    def stop(self) -> int:
        self.terminate()
        return self.wait()

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self.wait()

    def _read(self) -> None:
        assert self._process is not None and self._process.stderr is not None
        with self._process.stderr as stream:
            for line in stream:
                self._keep(line.rstrip("\n"))
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def _keep(self, line: str) -> None:
        try:
            event = json.loads(line)
        except ValueError:
            event = None
        with self._changed:
            self.lines.append(line)
            if isinstance(event, dict):
                self.events.append(event)
            self._changed.notify_all()


def clean_environment() -> dict[str, str]:
    """This process's environment without settings of Sextant and without proxies."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("SEXTANT_") and not name.lower().endswith("_proxy")
    }


def run_sextant(
    *arguments: str, seconds: float = 60, environment: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """One run of the command line, to its end."""
    return subprocess.run(
        [str(binary()), *arguments],
        capture_output=True,
        text=True,
        timeout=seconds,
        stdin=subprocess.DEVNULL,
        env={**clean_environment(), **(environment or {})},
        check=False,
    )
