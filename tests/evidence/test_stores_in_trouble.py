"""A shared store that is half written, mistyped, away or odd: repaired, or told in words."""

from __future__ import annotations

import functools
import http.server
import threading

import pytest

from sphinx_ptyreg import remote as remote_module, shared as shared_module
from sphinx_ptyreg.config_checks import store_of
from sphinx_ptyreg.errors import ConfigError
from sphinx_ptyreg.remote import UnreachableError, pull, push
from sphinx_ptyreg.shared import SharedFiles

pytest.importorskip("fsspec")

pytestmark = pytest.mark.usefixtures("in_process")


def share(project, url):
    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f'[tool.ptyreg]\nstore = "{url}"\n\n{text}')
    return project


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "shared"
    made.mkdir()
    return made


@pytest.fixture
def here(project, folder):
    share(project, folder.as_uri())
    project.cli("run", "quick")
    return project


@pytest.mark.parametrize("size", [0, 100])
@pytest.mark.parametrize("kind", ["records/quick", "artifacts"])
def test_a_half_finished_upload_is_repaired(here, another, folder, kind, size):
    [file] = (folder / kind).iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[:size])
    if kind == "artifacts":  # a record is the last that is written
        for record in (folder / "records/quick").iterdir():
            record.unlink()
    there = share(another("there"), folder.as_uri())
    exchanged = pull(there.load(), there.store)
    assert exchanged.records == 0
    assert push(here.load(), here.store).records == 1
    assert file.read_bytes() == whole
    assert pull(there.load(), there.store).records == 1
    assert push(here.load(), here.store).records == 0


def test_a_writer_that_is_killed_leaves_no_half_file(here, folder, monkeypatch):
    for file in (*folder.glob("records/quick/*"), *folder.glob("artifacts/*")):
        file.unlink()
    files = SharedFiles(folder.as_uri())
    seen = []

    def killed(_self, source, target, **_):
        seen.append((source, target))
        raise KeyboardInterrupt

    monkeypatch.setattr(type(files._fs), "mv", killed)
    with pytest.raises(UnreachableError):
        push(here.load(), here.store)
    assert seen
    left = [path.name for path in folder.rglob("*") if path.is_file()]
    assert all(name.startswith(".new-") for name in left)
    monkeypatch.undo()
    assert push(here.load(), here.store).records == 1


def test_an_object_store_is_written_in_one_step(project, monkeypatch):
    monkeypatch.setattr(shared_module.SharedFiles, "_check_there", lambda _: None)
    files = SharedFiles("memory://one/step")
    monkeypatch.setattr(type(files._fs), "mv", None)
    monkeypatch.setattr(type(files._fs), "makedirs", None)
    files.write("records/quick/x.json", b"whole")
    assert files.read(["records/quick/x.json"]) == {"records/quick/x.json": b"whole"}


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file:///proc/nope", "there is no such folder: make it, or correct the URL"),
        ("file:///nowhere/to/be/found", "there is no such folder"),
        ("zip://nothing.zip", "zip://nothing.zip cannot be reached"),
    ],
)
def test_a_store_that_is_not_there_is_told_and_not_made(project, page, url, told):
    share(project, url)
    project.seed()
    done = project.cli("sync")
    assert done.returncode == 3
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    built = page("{ptyreg:value}`quick.duration`")
    assert built.spans("ptyreg-value") == ["1.25 s"]
    assert "ptyreg: store: " in built.warnings
    assert "the local copy serves" in built.warnings
    assert built.warnings.count("WARNING") == 1


def test_a_wrong_page_of_a_web_server_is_no_empty_store(project, folder):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        share(project, f"{address}/mistyped")
        done = project.cli("sync")
        project.write("pyproject.toml", (project.root / "pyproject.toml").read_text().replace(
            "/mistyped", ""))  # fmt: skip
        empty = project.cli("sync")
        server.shutdown()
    assert done.returncode == 3
    assert "/mistyped cannot be reached, the local copy serves (FileNotFoundError" in done.stderr
    assert empty.returncode == 0
    assert empty.stdout.strip() == (
        f"0 records from {address}, which has nothing of this project yet"
    )


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("file://mnt/share", "Expected a file URL with a whole path, 'file:///…'"),
        ("s3:/bucket/x", "Expected '://' in a URL, but got 's3:/bucket/x'"),
        ("http://[::1", "Expected a URL, but got 'http://[::1' (Invalid IPv6 URL)"),
        ("s3://", "Expected a URL with a host or a bucket"),
    ],
)
def test_what_is_no_url_is_refused_where_it_is_declared(project, url, told):
    share(project, url)
    with pytest.raises(ConfigError) as caught:
        project.load()
    assert told in str(caught.value)


def test_slashes_at_the_end_of_a_url_are_not_those_of_its_beginning():
    assert store_of("file:///")[1] == "file:///"
    assert store_of("file:///mnt/share/")[1] == "file:///mnt/share"
    assert store_of("s3://bucket/x//")[1] == "s3://bucket/x"


@pytest.mark.parametrize(("patience", "factor", "told"), [(0.2, 2, "0 s"), (0.6, 2, "1 s")])
def test_the_time_that_was_waited_is_the_time_that_is_told(
    here, folder, monkeypatch, patience, factor, told
):
    files = SharedFiles(folder.as_uri())
    monkeypatch.setattr(shared_module, "PATIENCE", patience)
    monkeypatch.setattr(shared_module, "_FOR_FILES", factor)
    waits = threading.Event()
    monkeypatch.setattr(files._fs, "cat", lambda *_, **__: waits.wait(30))
    with pytest.raises(UnreachableError, match=f"no answer within {told}"):
        files.read(["x"])
    waits.set()


@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("x"), OSError("gone"), TypeError()])
def test_whatever_a_backend_raises_is_told(here, folder, monkeypatch, error):
    files = SharedFiles(folder.as_uri())

    def fails(*_, **__):
        raise error

    for name, call in (("ls", lambda: files.sizes("x")), ("cat", lambda: files.read(["x"])),
                       ("pipe", lambda: files.write("x/y", b""))):  # fmt: skip
        monkeypatch.setattr(files._fs, name, fails)
        with pytest.raises(UnreachableError, match=type(error).__name__):
            call()


def test_a_record_too_large_to_travel_is_named_both_ways(here, another, folder, monkeypatch):
    [file] = (folder / "records/quick").iterdir()
    there = share(another("there"), folder.as_uri())
    monkeypatch.setattr(remote_module, "RECORD_LIMIT", 100)
    told = f"{file.name}: Expected a record of at most 100 bytes, but got {file.stat().st_size}."
    assert pull(there.load(), there.store).refused == (told,)
    file.unlink()
    assert push(here.load(), here.store).refused == (told,)
    assert not file.exists()


def test_the_records_of_a_renamed_selector_travel_too(here, another, folder):
    there = share(another("there"), folder.as_uri())
    text = (there.root / "pyproject.toml").read_text()
    there.write(
        "pyproject.toml", text.replace("selectors.quick]", "selectors.swift]\naliases=['quick']")
    )
    assert pull(there.load(), there.store).records == 1
