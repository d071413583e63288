"""The Python client against the server: every method once, and the promises that need both ends."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import httpx
import numpy
import pytest
import sextant
from support.server_process import ServerProcess


@pytest.fixture
def library(client: sextant.Client, request: pytest.FixtureRequest) -> Iterator[sextant.Library]:
    library = client.create_library(f"client.{request.node.name}")
    yield library
    library.drop()


def filled(library: sextant.Library, count: int = 10) -> numpy.ndarray:
    vectors = numpy.random.default_rng(3).normal(size=(count, 6)).astype("<f4")
    library.documents.upsert(
        {"id": f"d{n:03}", "metadata": {"n": n}, "chunks": [{"vector": vector, "text": f"number {n}"}]}
        for n, vector in enumerate(vectors)
    )
    return vectors


def test_a_library_lives_from_creation_to_drop(client: sextant.Client) -> None:
    library = client.create_library("client.life", dimension=3, metric="l2", normalize=False, metadata={"a": 1})
    info = library.info()
    assert (info.name, info.metadata, info.kind, info.documents) == ("client.life", {"a": 1}, "shared", 0)
    contract = info.vectors["embedding"]
    assert (contract.dimension, contract.model, contract.metric, contract.normalize) == (3, None, "l2", False)
    assert info.created.utcoffset() is not None
    updated = library.update(metadata={"a": None, "b": 2}, chunking={"max_bytes": 300})
    assert (updated.metadata, updated.chunking) == ({"b": 2}, {"max_bytes": 300})
    with pytest.raises(sextant.LibraryExistsError):
        client.create_library("client.life")
    assert "client.life" in [info.name for info in client.iterate_libraries(page_size=2)]
    assert len(client.list_libraries(limit=1).libraries) == 1
    library.drop()
    with pytest.raises(sextant.LibraryNotFoundError):
        library.info()


def test_documents_are_written_read_listed_and_deleted(library: sextant.Library) -> None:
    chunks: list[sextant.ChunkInput] = [{"vector": [1, 0], "text": "x"}]
    upserted = library.documents.upsert([{"id": "a", "metadata": {"n": 1}, "chunks": chunks}])
    assert upserted.ids == ("a",)
    document = library.documents.get("a", vectors=True)
    assert document.chunks == (sextant.Chunk("a#0", "a", 1.0, "x", {}, (1.0, 0.0)),)
    assert library.documents.get("a").chunks is None
    patched = library.documents.patch("a", {"n": None, "m": 2}, if_match=document.etag)
    assert patched.effect == "patched"
    with pytest.raises(sextant.PreconditionFailedError):
        library.documents.delete("a", if_match=document.etag)
    with pytest.raises(sextant.PreconditionFailedError):
        library.documents.put("a", chunks=[], create_only=True)
    put = library.documents.put("b", chunks=[{"vector": [0, 1]}], metadata={"m": 2}, create_only=True)
    assert (put.effect, put.version) == ("created", int(put.etag or "", 16))
    page = library.documents.list(where={"m": 2}, limit=1, count=True, after=put.commit)
    assert (page.total, page.documents[0].id, page.documents[0].chunks) == (2, "a", 1)
    assert [document.id for document in library.documents.iterate(page_size=1)] == ["a", "b"]
    deleted = library.documents.delete("a", if_match=patched.etag)
    assert (deleted.effect, deleted.version, deleted.etag) == ("deleted", None, None)
    with pytest.raises(sextant.DocumentNotFoundError):
        library.documents.get("a")


def test_many_batches_arrive_whole_and_in_order(library: sextant.Library) -> None:
    vectors = filled(library, 1234)
    assert library.info().documents == 1234
    ids = [chunk.id for chunk in library.chunks.iterate(page_size=500, include=[])]
    assert ids == [f"d{n:03}#0" for n in sorted(range(1234), key=lambda n: f"d{n:03}")]
    stored = library.chunks.get_many(["d007#0", "d999#0"], include=["vector"])
    for chunk, n in zip(stored, (7, 999), strict=True):
        assert numpy.array(chunk.vector) * chunk.norm == pytest.approx(vectors[n], rel=1e-5)


def test_chunks_are_written_read_counted_and_deleted(library: sextant.Library) -> None:
    filled(library)
    chunks = library.chunks
    assert chunks.put("extra", document_id="d000", vector=[1] * 6, metadata={"x": 1}).effect == "created"
    assert chunks.patch("extra", text="new text", vector=numpy.ones(6), metadata={"y": 2}).effect == "patched"
    chunk = chunks.get("extra", vector=True)
    assert (chunk.text, chunk.metadata, chunk.document_id) == ("new text", {"x": 1, "y": 2}, "d000")
    assert chunk.vector == pytest.approx([6**-0.5] * 6)
    assert chunks.count() == 11
    assert chunks.count(where={"n": {"$lt": 3}}, where_document={"$contains": "number"}) == 3
    assert [c.id for c in chunks.list(where={"n": {"$gte": 8}}, limit=5).chunks] == ["d008#0", "d009#0"]
    assert chunks.patch_many({"seen": True}, where={"n": {"$lt": 3}}).count == 4
    assert chunks.delete("extra").effect == "deleted"
    assert chunks.delete_many(ids=["extra", "d001#0"]).count == 1
    assert chunks.delete_many(where={"seen": True}).count == 2
    assert chunks.count() == 7
    with pytest.raises(sextant.ChunkNotFoundError):
        chunks.get("extra")


def test_searches_answer_hits(library: sextant.Library) -> None:
    vectors = filled(library)
    result = library.search(vector=vectors[4], k=3, include=["text", "vector", "document"], explain=True)
    assert len(result) == 3
    assert result[0] is result.hits[0]
    assert result[0].chunk_id == "d004#0"
    assert (result.exact, result[0].text, result[0].metadata) == (True, "number 4", None)
    assert result[0].document is not None
    assert (result[0].document.id, result[0].document.metadata) == ("d004", {"n": 4})
    assert result.explain is not None and result.explain["matches"] == 10
    both = library.search_many([{"vector": vectors[4], "k": 3}, {"vector": vectors[5], "where": {"n": {"$lt": 5}}}])
    assert [hit.chunk_id for hit in both[0]] == [hit.chunk_id for hit in result]
    assert {hit.document_id for hit in both[1]} == {f"d{n:03}" for n in range(5)}
    similar = library.similar("d004#0", k=2)
    assert [hit.chunk_id for hit in similar] == [hit.chunk_id for hit in result][1:]
    assert library.search(vector=vectors[0], min_score=2).hits == ()
    with pytest.raises(sextant.EmbeddingContractError):
        library.search(vector=[1, 2])
    with pytest.raises(sextant.InvalidArgumentError):
        library.search(vector=vectors[0], where={"n": {"$near": 1}})


def test_text_is_embedded_and_found(library: sextant.Library) -> None:
    texts = {"roof": "We decided on slate for the roof.", "tree": "The apple tree needs pruning."}
    library.documents.upsert([{"id": id, "text": text} for id, text in texts.items()])
    hits = library.search(text="pruning the apple tree", k=2)
    assert [hit.document_id for hit in hits] == ["tree", "roof"]
    assert "apple" in str(hits[0])


def test_a_list_and_an_array_are_the_same_vector(library: sextant.Library) -> None:
    numbers = [0.1, 1 / 3, -2.7182818284590452]
    as_list = library.documents.put("list", chunks=[{"vector": numbers}])
    as_array = library.documents.put("array", chunks=[{"vector": numpy.array(numbers)}])
    assert as_list.effect == as_array.effect == "created"
    stored = [library.chunks.get(f"{id}#0", vector=True) for id in ("list", "array")]
    assert (stored[0].vector, stored[0].norm) == (stored[1].vector, stored[1].norm)
    by_list, by_array = (library.search(vector=vector).hits for vector in (numbers, numpy.array(numbers)))
    assert by_list == by_array


def test_transactions_happen_whole_or_not_at_all(client: sextant.Client, library: sextant.Library) -> None:
    other = client.create_library("client.other")
    library.documents.put("a", chunks=[{"vector": [1, 2]}])
    committed = (
        client.transaction()
        .upsert(other.name, [{"id": "moved", "chunks": [{"vector": [1, 2]}]}])
        .delete(library.name, ["a"])
        .upsert(library.name, [{"id": "b", "chunks": [{"id": "b1", "vector": [3, 4]}]}])
        .patch_chunks(library.name, [{"id": "b1", "metadata": {"late": True}}])
        .commit(durability="flushed")
    )
    assert [outcome.effect for outcome in committed.results] == ["created", "deleted", "created", "patched"]
    assert committed.replayed is False
    with pytest.raises(sextant.DocumentNotFoundError) as raised:
        client.transaction().delete(other.name, ["moved"]).delete(library.name, ["none"]).commit()
    assert (raised.value.field or "").startswith("operations[1].delete_documents[0]")
    assert other.info().documents == 1
    other.drop()


def test_the_first_failed_document_is_raised_and_what_was_committed_is_told(library: sextant.Library) -> None:
    documents: list[sextant.DocumentInput] = [{"id": str(n), "chunks": [{"vector": [1, n]}]} for n in range(9)]
    documents[5] = {"id": "5", "chunks": [{"vector": [1, 2, 3]}]}
    with pytest.raises(sextant.EmbeddingContractError) as raised:
        library.documents.upsert(documents, batch_size=2)
    assert raised.value.field == "documents[5].chunks[0].vector"
    assert [outcome.status for outcome in raised.value.results] == ["committed"] * 5 + ["failed"]
    assert library.info().documents == 5
    with pytest.raises(sextant.EmbeddingContractError):
        library.documents.upsert(documents[4:], atomic=True, on_conflict="ignore")
    assert library.info().documents == 5
    with pytest.raises(sextant.DocumentExistsError):
        library.documents.upsert(documents[:1], on_conflict="error")


def test_a_whole_load_may_be_repeated_with_its_key(library: sextant.Library) -> None:
    documents: list[sextant.DocumentInput] = [{"chunks": [{"vector": [1, n]}]} for n in range(25)]
    first = library.documents.upsert(documents, batch_size=10, idempotency_key="load-1")
    again = library.documents.upsert(documents, batch_size=10, idempotency_key="load-1")
    assert again == first
    assert library.info().documents == 25
    with pytest.raises(sextant.IdempotencyKeyReusedError):
        library.documents.upsert(documents[1:], batch_size=10, idempotency_key="load-1")


class LoseTheFirstReply(httpx.BaseTransport):
    """Sends every request, and breaks the connection instead of giving the first reply of each key."""

    def __init__(self) -> None:
        self._below = httpx.HTTPTransport()
        self._seen: set[str] = set()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        response = self._below.handle_request(request)
        key = request.headers.get("Idempotency-Key")
        if key is None or key in self._seen:
            return response
        self._seen.add(key)
        response.read()
        raise httpx.ReadError("the reply was lost", request=request)


def test_a_lost_reply_has_no_second_effect(server: ServerProcess, library: sextant.Library) -> None:
    with sextant.Client(server.url, http=LoseTheFirstReply(), sleep=lambda _: None) as unlucky:
        own = unlucky.library(library.name)
        upserted = own.documents.upsert([{"chunks": [{"vector": [1, 2]}]}, {"chunks": [{"vector": [2, 1]}]}])
        assert library.info().documents == 2
        id = upserted.ids[0]
        assert own.documents.delete(id).replayed is True
        assert own.documents.put("made", chunks=[], create_only=True).effect == "created"
        assert own.chunks.delete_many(where={}).count == 1
    assert {document.id for document in library.documents.iterate()} == {upserted.ids[1], "made"}


def test_a_restarting_server_is_waited_for(start_server: Callable[..., ServerProcess]) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        listen = f"127.0.0.1:{probe.getsockname()[1]}"
    server = start_server(listen=listen)
    pauses: list[float] = []

    def restart_instead_of_sleeping(pause: float) -> None:
        pauses.append(pause)
        if len(pauses) == 1:
            start_server(listen=listen)

    with sextant.Client(server.url, sleep=restart_instead_of_sleeping) as client:
        library = client.create_library("l")
        server.kill()
        assert library.documents.put("a", chunks=[{"vector": [1]}]).effect == "created"
        assert pauses
        assert library.info().documents == 1


def test_one_client_serves_many_threads(client: sextant.Client, library: sextant.Library) -> None:
    failures: list[BaseException] = []

    def write(writer: int) -> None:
        try:
            for n in range(25):
                library.documents.put(f"{writer}-{n}", chunks=[{"vector": [writer + 1, n]}])
                assert library.search(vector=[writer + 1, n], k=1).hits
        except BaseException as failure:
            failures.append(failure)

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert library.info().documents == 150


def test_a_client_that_remembers_reads_what_it_wrote(server: ServerProcess, library: sextant.Library) -> None:
    with sextant.Client(server.url, remember_commits=True) as client:
        own = client.library(library.name)
        written = own.documents.put("a", chunks=[{"vector": [1, 2]}])
        assert client.last_commit == written.commit
        assert own.documents.get("a").version == written.version
        assert own.documents.list().documents[0].id == "a"
        assert own.chunks.get("a#0").document_id == "a"
        assert own.search(vector=[1, 2]).commit == written.commit
        with pytest.raises(sextant.SextantError) as raised:
            own.search(vector=[1, 2], after="no token")
        assert raised.value.field == "after"


def test_errors_are_those_of_the_server(client: sextant.Client) -> None:
    with pytest.raises(sextant.NotSupportedYetError) as raised:
        client.create_library("client.graph", index={"kind": "graph"})
    assert raised.value.field == "index.kind"
    assert raised.value.trace_id is not None
    with pytest.raises(sextant.DeadlineExceededError):
        client.library("x").search_many([{"text": "word " * 5000}] * 500, timeout=0.001)
    with pytest.raises(sextant.ConnectionFailedError):
        sextant.Client("http://127.0.0.1:1", retries=0).status()
    assert client.status()["version"]
