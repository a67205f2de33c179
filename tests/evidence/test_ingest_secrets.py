"""Secrets, people and machines that a report tells in its fields and in its text."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from sphinx_ptyreg.cleaning import Cleaner
from sphinx_ptyreg.ingest.foreign import ForeignCleaner
from sphinx_ptyreg.ingest.secrets import without_secrets

CANARY = "s3cr3t-kanary"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJrYW5hcnkifQ.c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}", f"curl -H 'Authorization: Basic {CANARY}' https://a.b",
        f"X-API-Key: {CANARY}", f"auth={CANARY}", f"PRIVATE_KEY={CANARY}", f"SSH_KEY: {CANARY}",
        f"tool --password {CANARY} --verbose", f"tool --api-key={CANARY}", f"-token {CANARY}",
        f"password: hunter2 {CANARY}", f"password = hunter2 {CANARY}", f"PGPASSWORD={CANARY}",
        f"MYSQL_PASS={CANARY}", f"dbPassword={CANARY}", f"passphrase: {CANARY}",
        f'{{"api_token": "a {CANARY}", "n": 3}}', f"{{'password': 'a {CANARY}'}}",
        f"monkeypatch.setenv('API_TOKEN', '{CANARY}')", f"assert token == '{CANARY}'",
        f"Set-Cookie: sid={CANARY}; Path=/", f"AWS_SECRET_ACCESS_KEY={CANARY}",
        f"?token={CANARY}&page=2", f"password:\n    {CANARY}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{CANARY}\n-----END OPENSSH PRIVATE KEY-----",
        f"E   -----BEGIN RSA PRIVATE KEY-----\nE   {CANARY} cut off",
        f"hf_{'kanary' * 4}", f"pypi-AgEIcHlwaS5vcmc{'kanary' * 4}", f"say {JWT}",
        f"ghp_{'kanary' * 4}", f"npm_{'kanary' * 4}", f"sk_live_{'kanary' * 4}",
        "curl -H 'Bearer kanarykanary'",
    ],
)  # fmt: skip
def test_a_secret_in_a_text_is_hidden(text):
    hidden = without_secrets(f"before\n{text}\nafter")
    assert "***" in hidden
    assert "kanary" not in hidden
    assert JWT[21:40] not in hidden
    assert hidden.startswith("before\n")
    assert hidden.endswith("\nafter") or "PRIVATE KEY" in text


@pytest.mark.parametrize(
    "text",
    [
        "tests/test_token.py::TestPassword::test_auth PASSED", "KeyError: 'x'", "keys: a, b",
        "author: somebody", "PASS: test_x", "sorted(words, key=len)", "the password is wrong",
        "platform linux -- Python 3.11.7, pytest-9.2.0, pluggy-1.7.0", "monkey: 1, donkey=2",
        "plugins: pypi-timemachine-0.1, hf-tools-2.0, sk-learn-contrib-extension-1.0",
        "risk-abcdefghijklmnopqrstuvwxyz0123456789", "authentication failed", "keyword=3",
    ],
)  # fmt: skip
def test_what_is_no_secret_stays(text):
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    "unit", ["a", "a-", "token ", "-", "\"'", "--auth ", "-----BEGIN PRIVATE KEY ", "eyJaaaaaaaa.",
             "USER=", "node: ", "/Users/", "C:\\Users\\a b", "A_", "token=\\"],
)  # fmt: skip
def test_no_text_takes_long_to_clean(unit):
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    ForeignCleaner(Cleaner(Path("/nowhere"), {}), text, [])(text)
    assert time.process_time() - began < 5  # a second at most where it is linear


PEOPLE = r"""
USER=zedkanary
LOGNAME=logkanary
"username": "namekanary"
SLURMD_NODENAME=slurmkanary-17
SLURM_JOB_NODELIST=listkanary-[17-18]
node: nodekanary-17.cluster.example.org
C:\Users\Dave Kanary\proj\test_a.py:3 and C:\\Users\\Dave Kanary\\proj and /c/Users/Dave Kanary/x
later zedkanary, LOGKANARY and namekanary met Kanary on slurmkanary-17 and nodekanary-17
"""


def test_people_and_machines_of_a_log_are_hidden_wherever_they_stand():
    clean = ForeignCleaner(Cleaner(Path("/nowhere"), {}), PEOPLE, [])
    told = clean(PEOPLE)
    assert "kanary" not in told.lower()
    assert told.splitlines()[1:3] == ["USER=<user>", "LOGNAME=<user>"]
    assert told.splitlines()[-1] == (
        "later <user>, <user> and <user> met <user> on <host> and <host>"
    )


def test_words_that_stand_where_names_do_are_no_names():
    text = "nodeid: tests/test_a.py\nuser: error\ncollecting node: the first\nhost: localhost"
    assert ForeignCleaner(Cleaner(Path("/nowhere"), {}), text, [])(text) == text


JUNIT = f"""<testsuites><testsuite name="pytest" time="1" timestamp="2025-01-01T00:00:00">
<properties><property name="API_KEY" value="{CANARY}"/></properties>
<testcase classname="tests.test_quick" name="test_quick" time="1"><properties>
<property name="password" value="{CANARY}"/><property name="pin_password" value="777001"/>
<property name="config" value="{{'auth': {{'token': '{CANARY}'}}}}"/>
<property name="token_count" value="12"/><property name="nodename" value="kanary-7"/>
</properties></testcase></testsuite></testsuites>"""

BENCHMARK = json.dumps({
    "machine_info": {"node": "kanary-7"}, "version": "5.1.0", "datetime": "2025-01-01T00:00:00",
    "benchmarks": [{"name": "test_quick", "fullname": "tests/test_quick.py::test_quick",
                    "stats": {"median": 1.0},
                    "extra_info": {"api_token": CANARY, "pin_password": 777001, "token_count": 12,
                                   "config": {"login": [{"password": CANARY}], "size": 3}}}],
})  # fmt: skip


@pytest.mark.usefixtures("in_process")
@pytest.mark.parametrize(("name", "text"), [("a.xml", JUNIT), ("a.json", BENCHMARK)])
def test_no_secret_of_a_field_is_kept(project, name, text):
    file = project.write(name, text)
    assert CANARY in file.read_text()
    assert "777001" in file.read_text()
    assert project.cli("import", "quick", name).returncode == 0
    [record] = project.records()
    [kept] = (project.root / ".ptyreg/received/records/quick").glob("*.json")
    data = kept.read_text().lower()
    assert "kanary" not in data
    assert "777001" not in data
    properties = record.tests[0].properties
    assert properties["token_count"] == 12
    assert "***" in properties["config"]
    assert not any("password" in metric for metric in record.metrics)
