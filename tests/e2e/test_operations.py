"""Health, metrics, the OpenAPI document, the page of routes, status."""

from __future__ import annotations

from typing import Any

from prometheus_client.parser import text_string_to_metric_families
from support.rest import Rest
from support.server_process import ServerProcess


def samples(rest: Rest) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """What /metrics says, by name and labels, as an independent parser reads it."""
    response = rest.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[tuple[str, tuple[tuple[str, str], ...]], float] = {}
    for family in text_string_to_metric_families(response.text):
        assert family.documentation, family.name
        assert family.type in ("counter", "gauge", "histogram"), family.name
        for sample in family.samples:
            key = (sample.name, tuple(sorted(sample.labels.items())))
            assert key not in found, key
            found[key] = sample.value
    return found


def test_live_and_ready(rest: Rest) -> None:
    assert rest.ok("GET", "/health/live") == {"status": "ok"}
    ready = rest.ok("GET", "/health/ready")
    assert ready["status"] == "ready"
    assert {check["name"] for check in ready["checks"]} == {"database", "embedder"}
    assert all(check["ok"] and check["detail"] for check in ready["checks"])
    health = rest.ok("GET", "/health")
    assert health["status"] == "ready"
    assert health["connections"] >= 1
    assert rest.ok("GET", "/health")["uptime_ms"] >= health["uptime_ms"] >= 0


def test_the_document_says_what_readiness_may_be(rest: Rest) -> None:
    paths = rest.ok("GET", "/openapi.json")["paths"]
    for path, status in (("/health/ready", "200"), ("/health/ready", "503"), ("/health", "200")):
        schema = paths[path]["get"]["responses"][status]["content"]["application/json"]["schema"]
        assert schema["properties"]["status"]["enum"] == ["ready", "stopping", "failed"]


def test_status_counts_commits_and_bytes(rest: Rest, library: str) -> None:
    before = rest.ok("GET", "/v1/status")
    chunk = {"vector": [1.0] * 1024}
    answer = rest.ok("POST", f"{library}/documents", {"documents": [{"chunks": [chunk]}] * 3})
    after = rest.ok("GET", "/v1/status")
    assert after["sequence"] == before["sequence"] + 3
    assert answer["commit"].endswith(f"-{after['sequence']:x}")
    assert after["durable_through"] == after["sequence"]
    assert after["libraries"] == before["libraries"]
    assert after["bytes"]["vectors"] >= before["bytes"]["vectors"] + 3 * 4096
    assert after["bytes"]["log"] >= before["bytes"]["log"] + 3 * 4096
    assert after["embedder"] == {"provider": "hashed", "model": "hashed-v1-384", "dimension": 384, "lexical_only": True}


def test_metrics_are_valid_and_counters_only_grow(rest: Rest, library: str) -> None:
    before = samples(rest)
    rest.ok("PUT", f"{library}/documents/a", {"chunks": [{"text": "words"}]}, status=201)
    for _ in range(3):
        rest.ok("POST", f"{library}/search", {"text": "words"})
    rest.get(f"{library}/documents/none")
    after = samples(rest)
    for (name, labels), value in before.items():
        if name.endswith(("_total", "_bucket", "_count")):
            assert after[name, labels] >= value, (name, labels)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted(labels.items())))
        return after[key] - before.get(key, 0)

    assert grown("sextant_verb_calls_total", verb="search", outcome="ok") == 3
    assert grown("sextant_verb_duration_seconds_count", verb="search") == 3
    assert grown("sextant_verb_calls_total", verb="document", outcome="document_not_found") == 1
    assert grown("sextant_http_requests_total", status="404") == 1
    assert grown("sextant_commit_sequence") == 1
    assert grown("sextant_embedded_texts_total", provider="hashed", purpose="document", outcome="ok") == 1
    assert grown("sextant_embedded_texts_total", provider="hashed", purpose="query", outcome="ok") == 3


def test_histograms_are_cumulative_and_end_in_their_count(rest: Rest, library: str) -> None:
    rest.ok("POST", f"{library}/search", {"vector": [1, 2]})
    found = samples(rest)
    buckets: dict[tuple[str, Any], list[tuple[float, float]]] = {}
    for (name, labels), value in found.items():
        if name.endswith("_bucket"):
            rest_of = tuple(label for label in labels if label[0] != "le")
            bound = float(dict(labels)["le"])
            buckets.setdefault((name.removesuffix("_bucket"), rest_of), []).append((bound, value))
    assert buckets
    for (name, labels), entries in buckets.items():
        counts = [count for _, count in sorted(entries)]
        assert counts == sorted(counts), name
        assert max(entries)[0] == float("inf"), name
        assert counts[-1] == found[f"{name}_count", labels], name


def test_the_routes_are_a_page(rest: Rest) -> None:
    response = rest.get("/docs")
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    for path in rest.ok("GET", "/openapi.json")["paths"]:
        assert f"<code>{path}</code>" in response.text


def test_requests_are_logged_without_what_they_carry(server: ServerProcess, rest: Rest, library: str) -> None:
    trace = "5ec4e7" + "0" * 25 + "1"
    rest.ok(
        "PUT",
        f"{library}/documents/a",
        {"chunks": [{"text": "a very private sentence"}]},
        status=201,
        headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01", "Idempotency-Key": "a-private-key"},
    )
    assert server.wait_for(lambda event: event.get("trace_id") == trace, 30) is not None
    assert not any("private" in line for line in server.lines)
