"""Libraries over REST: create, list, show, change, drop, and what of a definition is refused."""

from __future__ import annotations

from typing import Any

import pytest
from support.rest import Rest, assert_problem


def test_a_created_library_answers_its_whole_definition(rest: Rest) -> None:
    definition = {
        "name": "libraries.whole",
        "kind": "shared",
        "provider": "native",
        "vectors": {"embedding": {"type": "dense", "element": "f32", "dimension": 3, "model": "mine", "metric": "dot",
                                  "normalize": False}},
        "embedding": None,
        "index": {"kind": "flat", "target_recall": 0.9},
        "chunking": {"format": "plain", "max_bytes": 800, "min_bytes": 100},
        "metadata": {"owner": "ä", "n": 1, "deep": {"list": [1, 2.5, None, True]}},
    }  # fmt: skip
    answer = rest.ok("POST", "/v1/libraries", definition, status=201)
    library = answer["library"]
    assert answer["commit"]
    assert library == rest.ok("GET", "/v1/libraries/libraries.whole")
    for member in ("name", "kind", "provider", "embedding", "index", "chunking", "metadata"):
        assert library[member] == definition[member]
    assert library["vectors"] == {
        "embedding": {"type": "dense", "element": "f32", "dimension": 3, "model": "mine", "metric": "dot",
                      "normalize": False, "established": True}
    }  # fmt: skip
    assert library["documents"] == library["chunks"] == library["dead_chunks"] == 0
    assert library["bytes"] == {"vectors": 0}
    assert library["index_state"] == {"kind": "flat", "state": "ready", "exact": True}
    assert library["created"] == library["updated"]
    assert library["created"].endswith("Z")
    assert library["version"] >= 1


def test_a_name_without_namespace_is_in_default_and_both_spellings_lead_there(rest: Rest) -> None:
    answer = rest.ok("POST", "/v1/libraries", {"name": "spelt"}, status=201)
    assert answer["library"]["name"] == "default.spelt"
    assert rest.ok("GET", "/v1/libraries/spelt") == rest.ok("GET", "/v1/libraries/default.spelt")
    assert_problem(rest.post("/v1/libraries", {"name": "default:spelt"}), 409, "library_exists")
    rest.ok("DELETE", "/v1/libraries/default.spelt")
    assert_problem(rest.get("/v1/libraries/spelt"), 404, "library_not_found")


@pytest.mark.parametrize("name", ["", ".", "a.", ".a", "a.b.c", "a b", "ä", "a/b"])
def test_a_name_that_is_none_is_refused(rest: Rest, name: str) -> None:
    assert_problem(rest.post("/v1/libraries", {"name": name}), 422, "invalid_argument", "name")


def test_the_longest_names_are_taken_and_longer_ones_refused(rest: Rest) -> None:
    for too_long in ("x" * 129, "n." + "x" * 129):
        assert_problem(rest.post("/v1/libraries", {"name": too_long}), 422, "limit_exceeded", "name")
    name = "n" * 128 + "." + "Az09_-" + "x" * 122
    rest.ok("POST", "/v1/libraries", {"name": name}, status=201)
    assert rest.ok("GET", f"/v1/libraries/{name}")["name"] == name


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"kind": "user"}, "kind"),
        ({"kind": "stream"}, "kind"),
        ({"provider": "duckdb"}, "provider"),
        ({"vectors": {"embedding": {"type": "sparse"}}}, "vectors.embedding.type"),
        ({"vectors": {"embedding": {"type": "multi"}}}, "vectors.embedding.type"),
        ({"vectors": {"embedding": {"element": "f16"}}}, "vectors.embedding.element"),
        ({"vectors": {"embedding": {}, "second": {}}}, None),
        ({"index": {"kind": "hnsw"}}, "index.kind"),
        ({"ttl_seconds": 60}, "ttl_seconds"),
        ({"priority": 1}, "priority"),
    ],
)
def test_what_is_specified_and_not_built_is_refused_by_name(
    rest: Rest, fields: dict[str, Any], field: str | None
) -> None:
    problem = assert_problem(rest.post("/v1/libraries", {"name": "unbuilt.x", **fields}), 422, "not_supported_yet")
    assert field is None or problem["field"] == field
    assert_problem(rest.get("/v1/libraries/unbuilt.x"), 404, "library_not_found")


@pytest.mark.parametrize(
    ("fields", "code", "field"),
    [
        ({"kind": "shard"}, "invalid_argument", "kind"),
        ({"kind": "system"}, "invalid_argument", "kind"),
        ({"vectors": {"embedding": {"metric": "manhattan"}}}, "invalid_argument", "vectors.embedding.metric"),
        ({"vectors": {"embedding": {"dimension": 0}}}, "invalid_argument", "vectors.embedding.dimension"),
        ({"vectors": {"embedding": {"dimension": 8193}}}, "limit_exceeded", "vectors.embedding.dimension"),
        ({"vectors": {"embedding": {"metric": "cosine", "normalize": False}}}, "invalid_argument",
         "vectors.embedding.normalize"),
        ({"vectors": {"embedding": {"unknown": 1}}}, "invalid_argument", "vectors.embedding.unknown"),
        ({"index": {"kind": "magic"}}, "invalid_argument", "index.kind"),
        ({"index": {"target_recall": 0}}, "invalid_argument", "index.target_recall"),
        ({"index": {"ef": 3}}, "invalid_argument", "index.ef"),
        ({"chunking": {"max_bytes": 1}}, "limit_exceeded", "chunking.max_bytes"),
        ({"chunking": {"unit": "tokens"}}, "invalid_argument", "chunking.unit"),
        ({"embedding": {"provider": "nobody"}}, "invalid_argument", "embedding.provider"),
        ({"embedding": {"provider": "local"}}, "invalid_argument", "embedding.provider"),
        ({"embedding": {"provider": "local", "model_dir": "/etc"}}, "invalid_argument", "embedding.model_dir"),
        ({"embedding": {"provider": "local", "threads": 1024}}, "invalid_argument", "embedding.threads"),
        ({"embedding": {"provider": "local", "query_prefix": "q"}}, "invalid_argument", "embedding.query_prefix"),
        ({"embedding": {"provider": "hashed", "model_dir": "/etc"}}, "invalid_argument", "embedding.model_dir"),
        ({"embedding": {"provider": "hashed", "model": "x"}}, "embedding_contract_violation", "embedding.model"),
        ({"metadata": []}, "invalid_argument", "metadata"),
        ({"metadata": {"x": "y" * 70_000}}, "limit_exceeded", "metadata"),
        ({"nmae": "x"}, "invalid_argument", "nmae"),
    ],
)  # fmt: skip
def test_a_wrong_definition_is_refused_by_its_field(rest: Rest, fields: dict[str, Any], code: str, field: str) -> None:
    assert_problem(rest.post("/v1/libraries", {"name": "wrong.x", **fields}), 422, code, field)


def test_an_embedder_settles_the_contract_at_creation(rest: Rest) -> None:
    path = rest.library(embedding={"provider": "hashed", "dimension": 64})
    field = rest.ok("GET", path)["vectors"]["embedding"]
    assert (field["dimension"], field["established"]) == (64, True)
    wrong = {"name": "wrong.y", "embedding": {"provider": "hashed"}, "vectors": {"embedding": {"dimension": 7}}}
    assert_problem(
        rest.post("/v1/libraries", wrong), 422, "embedding_contract_violation", "vectors.embedding.dimension"
    )


def test_long_arrays_of_integers_in_metadata_stay_integers(rest: Rest) -> None:
    numbers = [1, -2, 3, 0, 5, 6, 7, 8, 9007199254740992, 10]
    path = rest.library(metadata={"packed": numbers, "large": [*numbers, 9007199254740993]})
    metadata = rest.get(path).json()["metadata"]
    assert metadata == {"packed": numbers, "large": [*numbers, 9007199254740993]}
    assert all(isinstance(number, int) for number in metadata["packed"])


def test_a_dimension_given_at_creation_holds(rest: Rest) -> None:
    path = rest.library(vectors={"embedding": {"dimension": 3}})
    assert rest.ok("GET", path)["vectors"]["embedding"]["dimension"] == 3
    wrong = rest.put(f"{path}/documents/a", {"chunks": [{"vector": [1, 2, 3, 4, 5]}]})
    assert_problem(wrong, 422, "embedding_contract_violation", "chunks[0].vector")
    rest.ok("PUT", f"{path}/documents/a", {"chunks": [{"vector": [1, 2, 3]}]}, status=201)


def test_libraries_are_listed_by_name_in_pages(rest: Rest) -> None:
    names = [f"paged.{letter}" for letter in "cabed"]
    for name in names:
        rest.ok("POST", "/v1/libraries", {"name": name}, status=201)
    found: list[str] = []
    cursor = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        page = rest.ok("GET", "/v1/libraries", params=params)
        assert len(page["libraries"]) <= 2
        found += [library["name"] for library in page["libraries"]]
        cursor = page["cursor"]
        if cursor is None:
            break
    assert found == sorted(found)
    assert len(found) == len(set(found))
    assert [name for name in found if name.startswith("paged.")] == sorted(names)


def test_a_page_has_a_limit_and_a_cursor_belongs_to_its_list(rest: Rest, library: str) -> None:
    assert_problem(rest.get("/v1/libraries?limit=0"), 422, "invalid_argument", "limit")
    assert_problem(rest.get("/v1/libraries?limit=10001"), 422, "limit_exceeded", "limit")
    assert_problem(rest.get("/v1/libraries?limit=ten"), 422, "invalid_argument", "limit")
    assert_problem(rest.get("/v1/libraries?cursor=!"), 422, "invalid_argument", "cursor")
    for id in ("a", "b"):
        rest.ok("PUT", f"{library}/documents/{id}", {}, status=201)
    cursor = rest.ok("GET", f"{library}/documents?limit=1")["cursor"]
    assert_problem(rest.get(f"/v1/libraries?cursor={cursor}"), 422, "invalid_argument", "cursor")


def test_a_patch_merges_what_may_change_and_refuses_the_contract(rest: Rest) -> None:
    path = rest.library(metadata={"keep": 1, "drop": 2})
    before = rest.ok("GET", path)
    patch = {"metadata": {"drop": None, "new": [1]}, "index": {"kind": "flat"}, "chunking": {"max_bytes": 500}}
    answer = rest.ok("PATCH", path, patch)
    library = answer["library"]
    assert library["metadata"] == {"keep": 1, "new": [1]}
    assert library["index"] == {"kind": "flat"}
    assert library["chunking"] == {"max_bytes": 500}
    assert library["version"] > before["version"]
    assert library["updated"] >= before["updated"]
    assert library == rest.ok("GET", path)
    assert_problem(rest.patch(path, {"vectors": {}}), 422, "invalid_argument", "vectors")
    assert_problem(rest.patch(path, {"name": "x"}), 422, "invalid_argument", "name")
    assert_problem(rest.patch(path, {"index": {"kind": "lsh"}}), 422, "not_supported_yet", "index.kind")
    assert rest.ok("GET", path) == library


def test_a_dropped_library_is_gone_and_its_name_is_free(rest: Rest, library: str) -> None:
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"vector": [1, 2]}]}, status=201)
    assert rest.ok("DELETE", library)["commit"]
    assert_problem(rest.get(library), 404, "library_not_found")
    assert_problem(rest.delete(library), 404, "library_not_found")
    assert_problem(rest.get(f"{library}/documents/a"), 404, "library_not_found")
    rest.ok("POST", "/v1/libraries", {"name": library.removeprefix("/v1/libraries/")}, status=201)
    assert rest.ok("GET", library)["documents"] == 0
    assert rest.ok("GET", library)["vectors"]["embedding"]["established"] is False
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"vector": [1, 2, 3]}]}, status=201)
