"""Logs as pytest, shells and CI services really write them."""

from __future__ import annotations

import pytest

from sphinx_ptyreg.ingest.log import read_log
from sphinx_ptyreg.ingest.reported import ReportError
from sphinx_ptyreg.ingest.sources import kind_of
from sphinx_ptyreg.ingest.wanted import Wanted

MINE = Wanted(("tests/test_quick.py",))


def read(text: str | bytes):
    return read_log(text if isinstance(text, bytes) else text.encode(), MINE)


SUBTESTS = """
import unittest
import pytest

def test_quick(subtests):
    for n in range(3):
        with subtests.test("each", n=n):
            assert n < {limit}
"""


@pytest.mark.parametrize(("limit", "outcome"), [(3, "passed"), (2, "failed")])
@pytest.mark.parametrize("option", ["-q", "-v", "-vv", "--color=yes"])
def test_subtests_of_a_real_session(run_pytest, limit, outcome, option):
    folder = run_pytest(SUBTESTS.format(limit=limit), option)
    told = read((folder / "pytest.log").read_bytes())
    assert told.outcome == outcome
    assert ("subtests passed in" in told.excerpt) == option.startswith(("-q", "-v"))
    assert told.duration is not None
    assert [test.nodeid for test in told.tests] == (
        ["tests/test_quick.py::test_quick"] if option.startswith("-v") else []
    )


@pytest.mark.parametrize(
    ("last", "outcome", "seconds"),
    [
        ("2 passed, 4 subtests passed in 0.27s", "passed", 0.27),
        ("1 failed, 1 passed, 2 subtests passed in 1.50s", "failed", 1.5),
        ("1 passed, 1 subtests failed in 1.50s", "failed", 1.5),
        ("1 passed, 2 rerun in 0.03s", "passed", 0.03),
        ("=== 1 passed in 0.12 seconds ===", "passed", 0.12),
        ("=== 1 failed, 2 passed, 1 pytest-warnings in 3.00 seconds ===", "failed", 3.0),
    ],
)
def test_what_the_last_line_of_any_pytest_says(last, outcome, seconds):
    told = read(f"tests/test_quick.py .\n{last}\n")
    assert (told.outcome, told.duration) == (outcome, seconds)


OLD = """\
============================= test session starts ==============================
platform linux2 -- Python 2.7.18, pytest-4.6.11, py-1.8.1, pluggy-0.13.1
rootdir: /srv/ci/job, inifile: tox.ini
plugins: cov-2.8.1
collected 1 item

tests/test_quick.py .                                                    [100%]

=========================== 1 passed in 0.12 seconds ===========================
"""


def test_the_log_of_an_old_pytest():
    told = read(OLD)
    assert (told.duration, told.python, told.machine.system) == (0.12, "2.7.18", "Linux")
    assert told.packages == {"pytest": "4.6.11", "cov": "2.8.1"}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-8"])
def test_a_log_from_windows(encoding):
    text = (
        "platform win32 -- Python 3.12.1, pytest-8.3.4, pluggy-1.5.0\r\n"
        "tests\\test_quick.py ..                                          [100%]\r\n"
        "0.50s call     tests\\test_quick.py::test_quick\r\n"
        "============ 2 passed in 1.25s ============\r\n"
    )
    told = read(text.encode(encoding))
    assert (told.outcome, told.duration, told.machine.system) == ("passed", 1.25, "Windows")
    assert kind_of(text.encode(encoding)) == "log"


def test_reports_with_a_mark_are_told_by_what_follows_it():
    assert kind_of("<testsuite/>".encode("utf-16")) == "junit"
    assert kind_of(b"\xef\xbb\xbf {}") == "benchmark"


def test_a_test_that_is_inherited_from_another_file_is_its_own():
    told = read(
        "tests/test_quick.py::TestA::test_x <- tests/base.py PASSED [ 50%]\n"
        "[gw0] [ 99%] FAILED tests/test_quick.py::TestA::test_y <- ../base.py\n"
        "1 failed, 1 passed in 0.10s\n"
    )
    assert [(test.nodeid, test.outcome) for test in told.tests] == [
        ("tests/test_quick.py::TestA::test_x", "passed"),
        ("tests/test_quick.py::TestA::test_y", "failed"),
    ]


LINES = """\
Run tox -e tests
\x1b[1m============================= test session starts ==============================\x1b[0m
platform linux -- Python 3.11.13, pytest-8.4.1, pluggy-1.6.0
tests/test_quick.py::test_quick PASSED                                       [100%]

============================== 1 passed in 35.86s ==============================
Post job cleanup.
"""


@pytest.mark.parametrize(
    "before",
    ["2025-10-19T12:24:{:02}.1234567Z ", "test (3.11)\tRun tox\t2025-10-19T12:24:{:02}.1234567Z ",
     "[2025-10-19T14:24:{:02}.123+02:00] "],
    ids=["raw", "gh run view", "jenkins"],
)  # fmt: skip
def test_the_log_of_a_ci_job_tells_when_it_was(before):
    text = "".join(before.format(n) + line + "\n" for n, line in enumerate(LINES.splitlines()))
    told = read("\ufeff" + text)
    assert (told.duration, told.line) == (35.86, 6)
    assert told.excerpt == "1 passed in 35.86s"
    assert told.started.startswith("2025-10-19T12:24:01.123")
    assert "2025" not in told.text
    without_header = "".join(line for line in text.splitlines(True) if "starts" not in line)
    assert read(without_header).started.startswith("2025-10-19T12:23:29.26")


def test_a_time_that_a_test_prints_is_left_alone():
    told = read(
        "2025-10-19T12:24:49Z a line of the test\ntests/test_quick.py .\n1 passed in 1.00s\n"
    )
    assert told.started is None
    assert "2025-10-19T12:24:49Z a line" in told.text


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("1 passed in 1.00s\n2 passed in 2.00s\n", "but got 2 (summaries at line 1, 2)"),
        (OLD + OLD.partition("\n\n")[0], "but got 2 (summaries at line 9)"),
    ],
)
def test_several_sessions_in_one_log_are_refused(text, told):
    with pytest.raises(ReportError) as caught:
        read(text)
    assert told in str(caught.value)
    assert "Cut it into a file for each" in str(caught.value)
