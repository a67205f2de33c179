"""A shared store: run here, replay there; when it is away, the local copy serves and says so."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading

import pytest

from sphinx_ptyreg.config import load
from sphinx_ptyreg.errors import ConfigError
from sphinx_ptyreg.remote import UnreachableError, pull, push

pytest.importorskip("fsspec")

pytestmark = pytest.mark.usefixtures("in_process")

PAGE = "{ptyreg:value}`quick.duration` {ptyreg:value}`quick.machine_class`"


def share(project, url):
    """Declare a shared store."""
    text = (project.root / "pyproject.toml").read_text()
    project.write("pyproject.toml", f'[tool.ptyreg]\nstore = "{url}"\n\n{text}')
    return project


@pytest.fixture
def shared(tmp_path):
    """The folder behind a store at a file URL."""
    folder = tmp_path / "shared"
    folder.mkdir()
    return folder


@pytest.fixture
def here(another, shared):
    return share(another("here"), shared.as_uri())


@pytest.fixture
def there(project, shared):
    return share(project, shared.as_uri())


def built(project, page):
    """Build by replay; return the value and the warnings."""
    made = page(PAGE)
    return made.spans("ptyreg-value"), made.warnings


def test_run_here_and_replay_there(here, there, page):
    done = here.cli("run", "quick", env={"PTYREG_CLASS": "gpu-node"})
    assert done.returncode == 0, done.stderr
    assert f"1 records to {here.load().remote}" in done.stdout
    values, warnings = built(there, page)
    assert values[1] == "gpu-node"
    assert warnings == ""
    assert there.runs == 0
    [record] = there.records()
    assert there.store.artifact(record.artifacts["log"]) is not None


def test_away_the_local_copy_serves_and_says_so(here, there, page, shared, monkeypatch):
    here.cli("run", "quick", env={"PTYREG_CLASS": "gpu-node"})
    assert built(there, page)[1] == ""
    share(there, "http://127.0.0.1:9/nothing")
    there.write("pyproject.toml", (there.root / "pyproject.toml").read_text().replace(
        f'[tool.ptyreg]\nstore = "{shared.as_uri()}"\n', ""))  # fmt: skip
    values, warnings = built(there, page)
    assert values[1] == "gpu-node"
    assert "ptyreg: store: http://127.0.0.1:9/nothing cannot be reached, the local copy serves" in (
        warnings
    )
    assert warnings.count("WARNING") == 1


def test_http_is_read_only(here, project, page, shared):
    here.cli("run", "quick", env={"PTYREG_CLASS": "gpu-node"})
    handler = functools.partial(_Quiet, directory=str(shared))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        share(project, f"http://127.0.0.1:{server.server_port}")
        assert built(project, page)[0][1] == "gpu-node"
        project.store.local.add(project.record())
        assert push(project.load(), project.store).records == 0
        done = project.cli("sync")
        server.shutdown()
    assert done.returncode == 0, done.stderr
    assert len(list(shared.glob("records/quick/*"))) == 1


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_what_was_changed_there_is_refused_by_name(here, there, page, shared):
    here.cli("run", "quick")
    [record] = shared.glob("records/quick/*.json")
    record.write_bytes(record.read_bytes().replace(b'"passed"', b'"failed"'))
    values, warnings = built(there, page)
    assert values == ["not measured", "not measured"]
    assert f"ptyreg: store: not taken: {record.name}: Expected the content" in warnings


def test_a_swapped_artifact_keeps_its_record_out(here, there, shared):
    here.cli("run", "quick")
    [log] = shared.glob("artifacts/*.txt")
    log.write_bytes(b"<script>")
    exchanged = pull(there.load(), there.store)
    assert exchanged.records == 0
    assert exchanged.refused == (f"{log.name}: Expected the content of this digest.",)
    assert [path for path in there.store.received.folder.rglob("*") if path.is_file()] == []


def test_a_page_among_the_artifacts_keeps_its_record_out(here, there, a_record):
    from sphinx_ptyreg.record import Artifact

    data = b"<svg onload='x()'/>"
    digest = hashlib.sha256(data).hexdigest()
    artifact = Artifact(sha256=digest, size=len(data), suffix=".png")
    here.store.local.add(here.record(artifacts={"phase": artifact}))
    here.write(f".ptyreg/artifacts/{artifact.file_name}", data)
    assert push(here.load(), here.store).artifacts == 1
    assert "Expected the suffix of its content" in pull(there.load(), there.store).refused[0]


def test_what_travelled_once_stays_where_it_is(here, there):
    here.cli("run", "quick")
    assert push(here.load(), here.store).records == 0
    assert pull(there.load(), there.store).records == 1
    assert pull(there.load(), there.store).records == 0
    assert pull(here.load(), here.store).records == 0


def test_a_build_that_runs_pushes(here, shared):
    here.sphinx("-q", env={"PTYREG_MODE": "auto"})
    assert here.runs == 1
    assert len(list(shared.glob("records/quick/*.json"))) == 1


def test_a_variable_names_the_store(project, shared, monkeypatch):
    monkeypatch.setenv("PTYREG_STORE", shared.as_uri())
    assert load(project.root).remote == shared.as_uri()
    assert load(project.root).store == project.root / ".ptyreg"
    monkeypatch.setenv("PTYREG_STORE", "elsewhere")
    assert load(project.root).store == project.root / "elsewhere"


def test_a_password_in_the_url_is_refused_and_not_repeated(project):
    share(project, "https://ada:pw-canary-77@example.org/x")
    with pytest.raises(ConfigError) as caught:
        project.load()
    assert "Expected a URL without a password, but got https://…@example.org." in str(caught.value)
    assert "pw-canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "told"),
    [("nonsense://x", "Expected a URL of fsspec: Protocol not known: nonsense"),
     ("gs://bucket/x", "to be installed, but got: ")],
)  # fmt: skip
def test_what_cannot_be_opened_says_what_to_install(project, url, told):
    share(project, url)
    done = project.cli("sync")
    assert done.returncode == 3
    assert told in done.stderr
    assert "Traceback" not in done.stderr


def test_sync_without_a_shared_store_says_how_to_name_one(project):
    done = project.cli("sync")
    assert done.returncode == 2
    assert "Expected the URL of a shared store, such as 's3://bucket/project'" in done.stderr


def test_a_server_that_never_answers_is_not_waited_for(project, monkeypatch):
    import socket

    monkeypatch.setattr("sphinx_ptyreg.shared.PATIENCE", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        share(project, f"http://127.0.0.1:{silent.getsockname()[1]}/x")
        with pytest.raises(UnreachableError, match="no answer within"):
            pull(project.load(), project.store)
