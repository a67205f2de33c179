"""Planted secrets, told by a real run in every way it can tell: none is found afterwards."""

from __future__ import annotations

import os
import sys

import pytest

USER, HOST, TOKEN, HOME = "zedkanary", "canaryhost-9", "t0k-canary-s3cret", "homes/zedfolder"
CANARIES = (USER, HOST, TOKEN, "zedfolder", "pw-canary-77", "key-canary-88", "auth-canary-99",
            "sec-canary-66", "\x1b", "\x00", "\u202e", "\u2066")  # fmt: skip

PYPROJECT = """
[tool.ptyreg.selectors.quick]
nodeids = ["tests/test_quick.py"]
inputs = ["src.py"]
env = { DECLARED_TOKEN = "t0k-canary-s3cret", NOTE = "from zedkanary on canaryhost-9" }
"""

#: What the test says, as a test file; `say` holds every planted text.
TEST = """
import os, sys, tempfile
from pathlib import Path
import pytest

HOME = os.environ["HOME"]
SAY = " ".join(["zedkanary", "canaryhost-9", "t0k-canary-s3cret", HOME, os.getcwd(),
                tempfile.gettempdir() + "/x", "pw-canary-77", "key-canary-88", "auth-canary-99",
                "sec-canary-66", "\\x1b[31mred\\x1b[0m", "nul\\x00", "\\u202ebidi\\u2066"])

@pytest.mark.parametrize("who", [SAY[:60], "zedkanary", "\\u202et0k-canary-s3cret"])
def test_names(who, ptyreg):
    print(SAY)
    print(SAY, file=sys.stderr)

def test_told(ptyreg, record_property):
    record_property("said", SAY)
    record_property(SAY, 1)
    ptyreg.environment({"fact": SAY})
    folder = Path(tempfile.mkdtemp(prefix="zedkanary-"))
    log = folder / "zedkanary-canaryhost-9.txt"
    log.write_text(SAY)
    ptyreg.artifact(log, name="log-file", title=SAY)
    with ptyreg.stage("train"):
        pass

def test_raises(ptyreg):
    if Path("fail").exists():
        raise RuntimeError(SAY)
"""

PAGE = """
# Page

{ptyreg:value}`quick.environment.fact` {ptyreg:value}`quick.properties.said`
{ptyreg:value}`quick.environment.NOTE` {ptyreg:value}`quick.environment.DECLARED_TOKEN`
{ptyreg:value}`quick.command` {ptyreg:status}`quick`

```{ptyreg:runtime} quick
```
```{ptyreg:environment} quick
```
"""


@pytest.fixture
def planted(project, tmp_path):
    """Plant a user, a home, a host and secrets around a project, and return how to run in it."""
    home = tmp_path / HOME
    home.mkdir(parents=True)
    temp = tmp_path / "scratch"
    temp.mkdir()
    site = tmp_path / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text(
        f"import socket, platform\nsocket.gethostname = lambda: {HOST!r}\n"
        f"platform.node = lambda: {HOST!r}\n"
    )
    project.write("pyproject.toml", PYPROJECT)
    project.write("tests/test_quick.py", TEST)
    project.write("docs/index.md", PAGE)
    env = {
        "HOME": str(home), "USER": USER, "LOGNAME": USER, "TMPDIR": str(temp),
        "PYTHONPATH": str(site), "MY_TOKEN": TOKEN, "DB_PASSWORD": "pw-canary-77",
        "API_KEY": "key-canary-88", "HTTP_AUTH": "auth-canary-99", "MY_SECRET": "sec-canary-66",
    }  # fmt: skip
    hosted = project.child("-c", "import socket; print(socket.gethostname())", env=env)
    assert hosted.stdout.strip() == HOST
    return env


def hits(project, *texts):
    """Find every canary in the stores, the outputs and `texts`."""
    canaries = (*CANARIES, str(project.root))
    found = []
    for folder in (".ptyreg", "docs/evidence", "out"):
        for path in (project.root / folder).rglob("*"):
            name = path.relative_to(project.root).as_posix()
            if "doctrees" in name or path.suffix in {".pickle", ".doctree"}:
                continue  # a local cache of the build, never published
            found += [(name, canary) for canary in canaries if canary in name]
            if path.is_file() and path.suffix not in {".png", ".gz", ".woff2", ".ttf", ".inv"}:
                data = path.read_bytes().lower()
                found += [(name, c) for c in canaries if c.encode().lower() in data]
                found += [(name, c) for c in canaries if repr(c)[1:-1].encode() in data
                          and c in {"\x1b", "\x00"} and path.suffix == ".json"]  # fmt: skip
    for text in texts:
        found += [("output of a command", canary) for canary in canaries if canary in text]
    return found


def everything(project, env):
    """Run, publish, show and build; return all that was printed."""
    answers = [
        project.cli("run", "quick", env=env),
        project.cli("status", env=env),
        project.cli("publish", "quick", env=env),
        project.sphinx("-q", env=env),
        project.sphinx("-q", builder="text", env=env),
    ]
    place = f"{project.root}/docs/index.md:"  # Sphinx's own way to say where
    return [
        text.replace(place, "") for answer in answers for text in (answer.stdout, answer.stderr)
    ]


@pytest.mark.parametrize("failing", [False, True], ids=["passing", "failing"])
def test_no_canary_is_found_after_a_run(project, planted, failing):
    if failing:
        project.write("fail", "")
    texts = everything(project, planted)
    if failing:  # publishing a failure is refused, and the build's own words may name the root
        assert any("is no measurement" in t or "failed" in t for t in texts)
    assert hits(project, *texts) == []
    [record] = project.records()
    assert record.outcome == ("failed" if failing else "passed")
    log = project.store.artifact(record.artifacts["log"]).read_text()
    assert "<user>" in log or not failing
    assert record.environment["fact"].startswith("<user> <host> *** ~ . $TMP/x ***")


def test_the_canary_test_can_fail(project, planted):
    """The same run with a cleaner that does nothing is full of canaries."""
    site = planted["PYTHONPATH"]
    with open(os.path.join(site, "sitecustomize.py"), "a") as file:  # noqa: PTH118, PTH123
        file.write(
            "import sys\n"
            "if 'sphinx' in ' '.join(sys.orig_argv):\n"
            "    from sphinx_ptyreg.cleaning import Cleaner\n"
            "    def _idle(self, text, limit=65536):\n"
            "        text = text.decode('utf-8', 'replace') if isinstance(text, bytes) else text\n"
            "        return text[:limit]\n"
            "    Cleaner.__call__ = _idle\n"
        )
    project.cli("run", "quick", env=planted)
    found = {canary for _, canary in hits(project)}
    assert {USER, HOST, TOKEN, "zedfolder", "pw-canary-77", str(project.root)} <= found


def test_no_canary_hides_in_a_unit(project, planted):
    project.write(
        "tests/test_quick.py",
        f"""
        def test_quick(ptyreg):
            ptyreg.metric("a", 1, unit="{USER}")
            ptyreg.metric("b", 1, unit=chr(0x1b) + "[31m")
            ptyreg.metric("c", 1, unit="s" + chr(0) + chr(0x202e))
        """,
    )
    texts = everything(project, planted)
    assert [m.unit for m in project.records()[0].metrics.values()] == ["<user>", "1", "s"]
    assert hits(project, *texts) == []


def test_no_canary_hides_in_the_name_of_a_file_that_was_read(project, planted):
    project.write(f"data-{USER}.txt", "x")
    project.write(
        "tests/test_quick.py", f"def test_quick(ptyreg):\n    open('data-{USER}.txt').close()\n"
    )
    texts = everything(project, planted)
    assert hits(project, *texts) == []
    assert project.cli("status", "quick", env=planted).returncode == 0
    project.write(f"data-{USER}.txt", "y")
    told = project.cli("status", "quick", env=planted)
    assert told.returncode == 1
    assert "file changed: private:" in told.stdout


def test_no_canary_hides_in_a_name_that_pages_cite(project, planted):
    project.write(
        "tests/test_quick.py",
        f"""
        def test_quick(ptyreg, tmp_path):
            ptyreg.metric("psnr_{USER}", 1.5)
            ptyreg.environment({{"{USER}": 1}})
            with ptyreg.stage("train-{USER}"):
                pass
            (tmp_path / "x").write_text("x")
            ptyreg.artifact(tmp_path / "x", name="file-{USER}")
        """,
    )
    texts = everything(project, planted)
    assert hits(project, *texts) == []
    [record] = project.records()
    assert record.metrics["psnr_user"].value == 1.5
    assert [stage.name for stage in record.stages] == ["train-user"]


def test_no_part_of_a_secret_is_left_where_a_text_is_cut(project, planted):
    planted["LONG_TOKEN"] = "canary-" + "qwertz" * 20
    project.write(
        "tests/test_quick.py",
        """
        import subprocess
        def test_quick():
            secret = "canary-" + "qwertz" * 20
            subprocess.run(["true", "--header=Authorization: Bearer " + secret])
            subprocess.run(["true", "x" * 470, secret])
        """,
    )
    everything(project, planted)
    [record] = project.records()
    assert "reads of the process 'true --header=Authorization: Bearer ***'" in str(record.inputs)
    assert "qwertz" not in project.store.entries("quick")[0].path.read_text()


def test_no_canary_hides_in_a_url_or_a_picture(project, planted):
    project.write(
        "tests/test_quick.py",
        f"""
        import os, struct, zlib
        from urllib.parse import quote
        def chunk(kind, data):
            crc = zlib.crc32(kind + data)
            return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc)
        def test_quick(ptyreg, tmp_path):
            print(quote(os.environ["HOME"], safe=""), quote("/x/{USER}/y", safe=""))
            head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
            rows = chunk(b"IDAT", zlib.compress(bytes(2)))
            words = chunk(b"tEXt", b"Author" + bytes(1) + b"{USER}")
            file = tmp_path / "x.png"
            file.write_bytes(
                bytes.fromhex("89504e470d0a1a0a") + head + words + rows + chunk(b"IEND", b"")
                + b"{USER}"
            )
            ptyreg.artifact(file, name="image")
        """,
    )
    texts = everything(project, planted)
    assert hits(project, *texts) == []
    [record] = project.records()
    image = project.store.artifact(record.artifacts["image"]).read_bytes()
    assert image.endswith(b"IEND\xaeB`\x82")
    assert USER.encode() not in image


def test_the_python_that_ran_is_named_without_its_path(project, planted):
    project.cli("run", "quick", env=planted)
    [record] = project.records()
    assert record.command[0] == "python"
    assert sys.executable not in project.store.entries("quick")[0].path.read_text()
