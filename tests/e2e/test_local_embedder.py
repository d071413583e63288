"""The local model behind the API: text in, answers by meaning out, and the contract that keeps models apart."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Iterator

import numpy
import pytest
import sextant
from support.places import MODEL, data_folder, has_model
from support.rest import Rest, assert_problem
from support.server_process import ServerProcess

MODEL_NAME = "all-MiniLM-L6-v2"


@pytest.fixture(scope="module")
def rest(local_server: ServerProcess) -> Iterator[Rest]:
    rest = Rest(local_server.url)
    yield rest
    rest.close()


@pytest.fixture
def library(rest: Rest) -> str:
    return rest.library()


def test_the_server_says_what_embeds(rest: Rest) -> None:
    embedder = rest.ok("GET", "/v1/status")["embedder"]
    assert embedder == {"provider": "local", "model": MODEL_NAME, "dimension": 384, "lexical_only": False}


def test_texts_are_found_by_what_they_mean(rest: Rest, library: str) -> None:
    texts = {
        "cat": "A cat naps on the windowsill in the sun.",
        "bank": "The central bank raised interest rates again.",
        "bread": "Knead the dough, let it rise and bake it until the crust is golden.",
        "fix": "The mechanic replaced the worn brakes of the car.",
        "storm": "Heavy rain and wind are expected along the coast tonight.",
    }
    documents = [{"id": id, "chunks": [{"text": text}]} for id, text in texts.items()]
    rest.ok("POST", f"{library}/documents", {"documents": documents})
    questions = {
        "a sleeping pet": "cat",
        "monetary policy": "bank",
        "making a loaf at home": "bread",
        "vehicle repair": "fix",
        "weather forecast": "storm",
    }
    queries = {"queries": [{"text": question, "k": 1} for question in questions]}
    results = rest.ok("POST", f"{library}/search", queries)["results"]
    assert [result["hits"][0]["document_id"] for result in results] == list(questions.values())
    itself = rest.ok("POST", f"{library}/search", {"text": texts["cat"], "k": 1})["hits"][0]
    assert itself["score"] == pytest.approx(1, abs=1e-5)


def test_vectors_are_those_of_the_published_model(rest: Rest, library: str) -> None:
    file = data_folder() / "minilm-reference.jsonl.gz"
    if not file.is_file():
        pytest.skip(f"{file} is not there")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        # Of what is longer than the model reads, the reference holds the beginning alone.
        entries = [entry for entry in map(json.loads, lines) if entry["text"].strip() and len(entry["tokens"]) < 256]
    chunks = [{"id": str(n), "text": entry["text"]} for n, entry in enumerate(entries)]
    rest.ok("PUT", f"{library}/documents/reference", {"chunks": chunks}, status=201)
    stored = rest.ok("GET", f"{library}/documents/reference?include=vector")["chunks"]
    assert len(stored) == len(entries) > 150
    for chunk, entry in zip(stored, entries, strict=True):
        wanted = numpy.frombuffer(base64.b64decode(entry["embedding"]), dtype="<f4")
        assert chunk["text"] == entry["text"]
        assert float(numpy.dot(chunk["vector"], wanted)) > 0.9999, entry["text"]


def test_the_model_is_part_of_the_contract(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"text": "words"}]}, status=201)
    field = rest.ok("GET", library)["vectors"]["embedding"]
    assert (field["model"], field["dimension"], field["established"]) == (MODEL_NAME, 384, True)
    vector = [1.0] + [0.0] * 383
    own = {"chunks": [{"vector": vector}]}
    rest.ok("PUT", f"{library}/documents/named", {**own, "model": MODEL_NAME}, status=201)
    other = rest.put(f"{library}/documents/b", {**own, "model": "another"})
    assert_problem(other, 422, "embedding_contract_violation")
    short = rest.put(f"{library}/documents/b", {"chunks": [{"vector": vector[:383]}]})
    assert_problem(short, 422, "embedding_contract_violation", "chunks[0].vector")


def test_a_library_may_have_an_embedder_of_its_own(rest: Rest) -> None:
    library = rest.library(embedding={"provider": "hashed"})
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"text": "the very same words"}]}, status=201)
    assert rest.ok("GET", library)["vectors"]["embedding"]["model"] == "hashed-v1-384"
    assert rest.ok("POST", f"{library}/search", {"text": "the very same words"})["hits"][0]["score"] > 0.999


def test_a_library_that_names_the_servers_embedder_shares_it(rest: Rest) -> None:
    library = rest.library(embedding={"provider": "local", "model": MODEL_NAME})
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"text": "a cat naps"}]}, status=201)
    assert rest.ok("GET", library)["vectors"]["embedding"]["model"] == MODEL_NAME
    for member, value in {"model_dir": str(MODEL), "threads": 64, "long_texts": "cut", "dimension": 384}.items():
        refused = rest.post("/v1/libraries", {"name": "local.own", "embedding": {"provider": "local", member: value}})
        problem = assert_problem(refused, 422, "invalid_argument", f"embedding.{member}")
        assert "the server's configuration" in problem["detail"]


def test_a_text_beyond_what_the_model_reads_is_refused_where_that_is_wanted(
    start_server: Callable[..., ServerProcess],
) -> None:
    if not has_model():
        pytest.skip(f"the model is not in {MODEL}")
    server = start_server(embedder="local", config={"embedder": {"provider": "local", "long_texts": "refuse"}})
    rest = Rest(server.url)
    library = rest.library()
    problem = assert_problem(
        rest.put(f"{library}/documents/a", {"chunks": [{"text": "short"}, {"text": "word " * 3000}]}),
        422,
        "limit_exceeded",
        "chunks[1].text",
    )
    assert "256" in problem["detail"]
    split_by_the_server = {"text": "A sentence of several words. " * 600}
    rest.ok("PUT", f"{library}/documents/a", split_by_the_server, status=201)
    assert len(rest.ok("GET", f"{library}/documents/a")["chunk_ids"]) > 5
    rest.close()


def test_the_end_of_a_long_text_is_found_too(rest: Rest, library: str) -> None:
    filler = "The committee met on Tuesday and adjourned after a short debate about the budget. " * 25
    chunks = [{"text": filler}, {"text": filler + "Penguins swim under the Antarctic ice. " * 15}]
    rest.ok("PUT", f"{library}/documents/a", {"chunks": chunks}, status=201)
    hits = rest.ok("POST", f"{library}/search", {"text": "birds of the south pole", "k": 2})["hits"]
    assert hits[0]["chunk_id"] == "a#1"
    assert hits[0]["score"] > hits[1]["score"] + 0.05


def test_a_changed_text_gets_a_new_vector(local_server: ServerProcess, library: str) -> None:
    with sextant.Client(local_server.url) as client:
        own = client.library(library.removeprefix("/v1/libraries/"))
        own.documents.put("a", chunks=[{"text": "trains and railways"}])
        own.documents.put("b", chunks=[{"text": "fruit and vegetables"}])
        assert own.search(text="locomotive", k=1)[0].document_id == "a"
        own.chunks.patch("a#0", text="apples and pears")
        own.chunks.patch("b#0", text="steam engines on rails")
        assert own.search(text="locomotive", k=1)[0].document_id == "b"
