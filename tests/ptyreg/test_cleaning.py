"""Nothing of the person and the machine leaves through a record."""

from __future__ import annotations

import io
import os
import socket
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from sphinx_ptyreg.cleaning import LIMIT, Cleaner
from sphinx_ptyreg.picture_words import without_words

ENVIRON = {
    "HOME": "/home/zed42",
    "USER": "zed42",
    "HOSTNAME": "vault-7.example.org",
    "API_TOKEN": "tok-3x4mple",
    "MY_SECRET": "sec-3x4mple",
    "SSH_KEY": "-----BEGIN-----\nline-of-key-1\nline-of-key-2\n",
    "DB_PASSWORD": "pa'ss\\wo\"rd!",
    "HTTP_AUTH": "Basic dXNlcjpwYXNz",
    "LONG_TOKEN": "tok-3x4mple-and-more",
    "PLAIN": "kept",
}

_ROOT = Path("/nowhere/project")


@pytest.fixture
def clean(tmp_path, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "vault-7.example.org")
    monkeypatch.setenv("TMPDIR", "/scratch/tmp")
    monkeypatch.setattr(tempfile, "tempdir", "/scratch/tmp")
    return Cleaner(tmp_path / "proj", ENVIRON)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at /home/zed42/x.py", "at ~/x.py"),
        ("home is /home/zed42.", "home is ~."),
        ("home is /home/zed42", "home is ~"),
        ("/home/zed42-old/x", "/home/<user>-old/x"),
        ("by zed42: ZED42", "by <user>: <user>"),
        ("pytest-of-zed42/x", "pytest-of-<user>/x"),
        ("zed42_data", "<user>_data"),
        ("zed421", "zed421"),
        ("on vault-7.example.org and vault-7", "on <host> and <host>"),
        ("/scratch/tmp/abc", "$TMP/abc"),
        ("tok-3x4mple", "***"),
        ("tok-3x4mple-and-more", "***"),
        ("x=sec-3x4mple;", "x=***;"),
        ("kept", "kept"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("a\x00b\x07c", "abc"),
        ("\u202egnp.exe\u2066x\u200b", "gnp.exex"),
        ("\ufeffbom", "bom"),
        ("one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("tok\x1b[0m-3x4\x00mple", "***"),
        ("tok-\u200b3x4mple", "***"),
        ("tab\there\n", "tab\there\n"),
    ],
)
def test_a_text_is_cleaned(clean, text, shown):
    assert clean(text) == shown


def test_the_project_becomes_a_dot_also_through_a_link(clean, tmp_path):
    (tmp_path / "proj").mkdir()
    assert clean(f"{tmp_path}/proj/a.py") == "./a.py"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "proj")
    assert Cleaner(link, ENVIRON)(f"{link}/a {tmp_path}/proj/b") == "./a ./b"


@pytest.mark.parametrize(
    "spell", [str, lambda s: s.strip(), repr, lambda s: s.replace("\n", "\r\n")]
)
def test_a_secret_of_several_lines_or_with_quotes_is_hidden_however_it_is_printed(clean, spell):
    for name in ("SSH_KEY", "DB_PASSWORD"):
        shown = clean(f"it is {spell(ENVIRON[name])} indeed")
        assert "line-of-key" not in shown
        assert "pa'ss" not in shown
        assert "wo" not in shown.replace("word", "")


def test_the_home_of_the_account_is_hidden_though_home_says_otherwise(clean):
    pwd = pytest.importorskip("pwd")
    home = pwd.getpwuid(os.getuid()).pw_dir
    if home == "/":
        pytest.skip("this account has no home")
    assert home not in clean(f"{home}/.venv/bin/python")


@pytest.mark.parametrize(
    "user", ["root", "user", "runner", "test", "tests", "python", "pytest", "docs"]
)
def test_a_user_named_like_a_common_word_changes_no_text(tmp_path, monkeypatch, user):
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, user)
    clean = Cleaner(tmp_path, {"USER": user, "HOME": "/nowhere/at-all"})
    text = "python -m pytest tests/test_docs.py::test_user"
    assert clean(text) == text


def test_a_long_text_keeps_its_head_and_its_tail(clean):
    text = clean("first" + "x" * 3 * LIMIT + "last")
    assert len(text.encode()) <= LIMIT
    assert text.startswith("first")
    assert text.endswith("last")
    assert "bytes left out" in text


@given(data=st.binary(max_size=300))
def test_any_bytes_become_text_that_xml_can_hold(data):
    text = Cleaner(_ROOT, ENVIRON)(data)
    text.encode("utf-8")
    assert not any(ord(c) < 32 and c not in "\n\t" for c in text)
    assert "\x7f" not in text


@given(before=st.text(max_size=20), after=st.text(max_size=20))
def test_no_surroundings_let_a_secret_through(before, after):
    assert "tok-3x4mple" not in Cleaner(_ROOT, ENVIRON)(before + "tok-3x4mple" + after)


@given(text=st.text(max_size=200), limit=st.integers(100, 400))
def test_no_text_is_longer_than_its_limit(text, limit):
    assert len(Cleaner(_ROOT, ENVIRON)(text * 10, limit).encode()) <= limit


def pictures():
    """Return a PNG and a JPEG that say who made them."""
    image = Image.fromarray(np.arange(48, dtype=np.uint8).reshape(6, 8))
    words = PngInfo()
    words.add_text("Author", "zedkanary")
    words.add_itxt("Note", "zedkanary")
    exif = Image.Exif()
    exif[0x013B] = "zedkanary"
    found = []
    for options in ({"format": "PNG", "pnginfo": words}, {"format": "JPEG", "exif": exif}):
        file = io.BytesIO()
        image.save(file, comment="zedkanary", **options)
        found.append(file.getvalue() + b"zedkanary")
    return found


@pytest.mark.parametrize("data", pictures(), ids=["PNG", "JPEG"])
def test_a_picture_keeps_its_pixels_and_no_words(data):
    kept = without_words(data)
    assert b"zedkanary" in data
    assert b"zedkanary" not in kept
    before, after = (np.asarray(Image.open(io.BytesIO(each))) for each in (data, kept))
    assert np.array_equal(before, after)
    assert without_words(kept) == kept


@given(data=st.binary(max_size=200), end=st.integers(0, 400), kind=st.sampled_from([0, 1]))
def test_whatever_is_no_whole_picture_is_left_as_it_is(data, end, kind):
    broken = pictures()[kind][:end] + data
    assert isinstance(without_words(broken), bytes)
    assert without_words(data) == data
