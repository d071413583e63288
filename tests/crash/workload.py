"""Writers: threads that write, replace and delete documents until the server is gone."""

from __future__ import annotations

import random
import threading
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import httpx
from support.rest import Rest

from content import document_body
from ledger import Ledger, Operation, Place, Request, State, Unit

LIBRARIES = ("crash.left", "crash.right")
DOCUMENTS = 12  # of each writer in each library


class Writer:
    """One client. Its documents are its own; operations are numbered over its whole life."""

    def __init__(self, number: int, seed: int, ledger: Ledger) -> None:
        self.number = number
        self._random = random.Random(f"{seed} writer {number}")
        self._prefix = f"{seed:x}-{number}"
        self._ledger = ledger
        self._operations = 0
        self.failure: BaseException | None = None

    def run(self, url: str) -> None:
        """Writes until the connection breaks. What else goes wrong is kept in `failure`."""
        rest = Rest(url)
        try:
            while True:
                operation = self._next()
                self._ledger.begin(self.number, operation)
                response = send(rest, operation.request)
                assert response.status_code in (200, 201), f"{operation.what}: {response.status_code} {response.text}"
                assert "Idempotency-Replayed" not in response.headers, operation.what
                self._ledger.acknowledge(self.number, operation, response.json())
        except httpx.TransportError:
            pass  # the server is gone; the operation stays pending
        except BaseException as failure:
            self.failure = failure
            with self._ledger.changed:
                self._ledger.changed.notify_all()
        finally:
            rest.close()

    def _next(self) -> Operation:
        self._operations += 1
        make = self._random.choices(
            [self._put, self._delete, self._batch, self._atomic_batch, self._transaction], [3, 2, 3, 2, 4]
        )[0]
        return make()

    def _documents(self, library: str, count: int) -> list[Place]:
        numbers = self._random.sample(range(DOCUMENTS), count)
        return [(library, f"{self.number}-{number}") for number in numbers]

    def _operation(
        self, what: str, method: str, path: str, body: Any, effects: list[tuple[Place, State]], unit: Unit
    ) -> Operation:
        key = f"{self._prefix}-{self._operations}"
        return Operation(self._operations, what, Request(method, path, body, key), effects, unit)

    def _put(self) -> Operation:
        place = self._documents(self._random.choice(LIBRARIES), 1)[0]
        n = self._operations
        return self._operation("put", "PUT", path(place), document_body(place[1], n), [(place, n)], Unit.WHOLE)

    def _delete(self) -> Operation:
        there = [place for place in self._own() if self._ledger.state.get(place) is not None]
        if not there:
            return self._put()
        place = self._random.choice(there)
        return self._operation("delete", "DELETE", path(place), None, [(place, None)], Unit.WHOLE)

    def _own(self) -> list[Place]:
        return [(library, f"{self.number}-{number}") for library in LIBRARIES for number in range(DOCUMENTS)]

    def _batch(self) -> Operation:
        return self._upsert("batch", atomic=False)

    def _atomic_batch(self) -> Operation:
        return self._upsert("atomic batch", atomic=True)

    def _upsert(self, what: str, *, atomic: bool) -> Operation:
        library = self._random.choice(LIBRARIES)
        places = self._documents(library, self._random.randint(1, 5))
        n = self._operations
        body = {
            "documents": [{"id": place[1], **document_body(place[1], n)} for place in places],
            "atomic": atomic,
            "durability": self._durability(),
        }
        effects: list[tuple[Place, State]] = [(place, n) for place in places]
        return self._operation(
            what,
            "POST",
            f"/v1/libraries/{library}/documents",
            body,
            effects,
            Unit.WHOLE if atomic else Unit.EACH_DOCUMENT,
        )

    def _transaction(self) -> Operation:
        """Writes and deletes in both libraries."""
        n = self._operations
        effects: list[tuple[Place, State]] = []
        operations: list[dict[str, Any]] = []
        for library in LIBRARIES:
            written, *others = self._documents(library, 3)
            deleted = [place for place in others if self._ledger.state.get(place) is not None]
            upserts = [{"id": written[1], **document_body(written[1], n)}]
            operations.append({"library": library, "upsert_documents": upserts})
            effects.append((written, n))
            if deleted:
                operations.append({"library": library, "delete_documents": [place[1] for place in deleted]})
                effects += [(place, None) for place in deleted]
        body = {"operations": operations, "durability": self._durability()}
        return self._operation("transaction", "POST", "/v1/transactions", body, effects, Unit.WHOLE)

    def _durability(self) -> str:
        return self._random.choice(["fsync", "flushed"])


def path(place: Place) -> str:
    return f"/v1/libraries/{place[0]}/documents/{quote(place[1], safe='')}"


def send(rest: Rest, request: Request) -> httpx.Response:
    arguments = {} if request.body is None else {"json": request.body}
    return rest.request(request.method, request.path, headers={"Idempotency-Key": request.key}, **arguments)


def start(writers: Sequence[Writer], url: str) -> list[threading.Thread]:
    threads = [threading.Thread(target=writer.run, args=(url,)) for writer in writers]
    for thread in threads:
        thread.start()
    return threads
