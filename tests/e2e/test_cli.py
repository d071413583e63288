"""The command line: version, load of notes, search, libraries, and what it says when something is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.places import WORDNET
from support.rest import Rest
from support.server_process import ServerProcess, run_sextant


def sextant(server: ServerProcess, command: str, *arguments: str, status: int = 0) -> str:
    """What a command prints; it must end with this status."""
    result = run_sextant(command, "--server", server.url, *arguments)
    assert result.returncode == status, result.stderr
    return result.stdout if status == 0 else result.stderr


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    (folder / "house" / ".hidden").mkdir(parents=True)
    (folder / "house" / "roof.md").write_text("# Roof\n\nWe decided on slate, because tiles crack in frost.\n")
    (folder / "garden.txt").write_text("The apple tree needs pruning in February.\n")
    (folder / "übung.markdown").write_text("# Übung\n\nEvery day a little.\n")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    (folder / "broken.md").write_bytes(b"\xff\xfe not text")
    (folder / "empty.md").write_text("")
    (folder / "house" / ".hidden" / "secret.md").write_text("not to be found")
    return folder


def test_version() -> None:
    text = run_sextant("version")
    assert (text.returncode, text.stderr) == (0, "")
    body = json.loads(run_sextant("version", "--json").stdout)
    assert body["format"] == 1
    assert f"sextant {body['version']} " in text.stdout
    assert body["kernels"] in text.stdout


def test_a_folder_of_notes_is_loaded_and_found(server: ServerProcess, rest: Rest, notes: Path) -> None:
    summary = json.loads(sextant(server, "load", str(notes), "--library", "cli.notes", "--json", "--quiet"))
    assert summary["library"] == "cli.notes"
    assert summary["documents"] == summary["created"] >= 3
    assert summary["replaced"] == 0
    assert any("broken.md" in skipped["path"] and skipped["reason"] for skipped in summary["skipped"])
    listed = rest.ok("GET", "/v1/libraries/cli.notes/documents")["documents"]
    ids = {document["id"] for document in listed}
    assert {"house/roof.md", "garden.txt", "übung.markdown"} <= ids
    assert not any("secret" in id or "photo" in id for id in ids)

    found = sextant(server, "search", "--library", "cli.notes", "-k", "1", "slate roof")
    assert "slate" in found
    assert "house/roof.md#0" in found
    answer = json.loads(sextant(server, "search", "--library", "cli.notes", "--json", "apple tree"))
    assert answer["hits"][0]["document_id"] == "garden.txt"
    nothing = sextant(server, "search", "--library", "cli.notes", "--where", '{"no": "such"}', "apple tree")
    assert "nothing found" in nothing

    again = json.loads(sextant(server, "load", str(notes), "--library", "cli.notes", "--json", "--quiet"))
    assert (again["created"], again["replaced"]) == (0, summary["documents"])
    assert len(rest.ok("GET", "/v1/libraries/cli.notes/documents")["documents"]) == len(listed)


def test_libraries_are_listed(server: ServerProcess, rest: Rest) -> None:
    rest.ok("POST", "/v1/libraries", {"name": "cli.listed"}, status=201)
    rest.ok("PUT", "/v1/libraries/cli.listed/documents/a", {"chunks": [{"vector": [1]}, {"vector": [2]}]}, status=201)
    listed = json.loads(sextant(server, "libraries", "--json"))["libraries"]
    names = [library["name"] for library in listed]
    assert names == sorted(names)
    library = listed[names.index("cli.listed")]
    assert library == rest.ok("GET", "/v1/libraries/cli.listed")
    line = next(line for line in sextant(server, "libraries").splitlines() if line.startswith("cli.listed "))
    assert line.split()[:3] == ["cli.listed", "1", "2"]


def test_the_most_used_entries_of_the_dictionary_are_loaded(server: ServerProcess) -> None:
    if not WORDNET.is_dir():
        pytest.skip(f"{WORDNET} is not there")
    arguments = ("--wordnet", str(WORDNET), "--top", "300", "--library", "cli.wordnet", "--json", "--quiet")
    assert json.loads(sextant(server, "load", *arguments))["documents"] == 300
    where = '{"part_of_speech": "verb"}'
    answer = sextant(server, "search", "--library", "cli.wordnet", "--json", "--where", where, "to move")
    hits = json.loads(answer)["hits"]
    assert hits
    assert all(hit["document_id"].startswith("wn30-") for hit in hits)


def test_what_goes_wrong_is_said_in_a_sentence(server: ServerProcess, tmp_path: Path) -> None:
    assert "no library" in sextant(server, "search", "--library", "cli.none", "question", status=1)
    bad_filter = ("--library", "cli.none", "--where", "{", "question")
    assert "--where is not JSON" in sextant(server, "search", *bad_filter, status=1)
    neither = sextant(server, "load", "--library", "cli.none", status=1)
    assert "--wordnet" in neither
    nobody = run_sextant("libraries", "--server", "http://127.0.0.1:1")
    assert nobody.returncode == 1
    assert "127.0.0.1:1" in nobody.stderr
    assert run_sextant("load", str(tmp_path / "none"), "--library", "x").returncode == 2
    assert run_sextant("fly").returncode == 2
    assert run_sextant().returncode == 2


def test_help_names_every_command() -> None:
    text = run_sextant("--help")
    assert text.returncode == 0
    for command in ("serve", "load", "search", "libraries", "version"):
        assert command in text.stdout
        assert run_sextant(command, "--help").returncode == 0


def test_a_key_and_a_server_may_come_from_the_environment(tmp_path: Path) -> None:
    with ServerProcess(tmp_path / "db", arguments=["--api-key", "secret"]) as server:
        environment = {"SEXTANT_SERVER": server.url, "SEXTANT_API_KEY": "secret"}
        listed = run_sextant("libraries", "--json", environment=environment)
        assert json.loads(listed.stdout) == {"libraries": []}
        refused = run_sextant("libraries", environment={"SEXTANT_SERVER": server.url})
        assert refused.returncode == 1
        assert "key" in refused.stderr
        assert server.stop() == 0
