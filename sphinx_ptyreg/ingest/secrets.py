"""What looks like a secret in somebody else's text: by its name, its form, or where it stands."""

from __future__ import annotations

import re
from typing import Any

__all__ = ["HIDDEN", "is_secret_name", "without_secrets", "without_secrets_in"]

HIDDEN = "***"

#: What tells a secret wherever it stands in a name (``PGPASSWORD``, ``myToken``).
_SURE = r"TOKEN|SECRET|PASSW(?:OR)?[DT]|PASSPHRASE|CREDENTIAL|API[_ -]?KEY"
#: What tells one as a word of its own (``http_auth``, not ``author``), or as the last of several.
_WORD = (
    r"AUTH(?:ORIZATION)?|COOKIE"
    r"|(?:ACCESS|ACCOUNT|PRIVATE|SSH|GPG|SIGNING|ENCRYPTION|DEPLOY|LICEN[CS]E|MASTER)[_ -]?KEY"
)
_NAMED = (
    rf"(?:{_SURE}|(?<![A-Za-z])(?:{_WORD})(?![A-Za-z])"
    r"|(?<=[A-Za-z0-9]_)(?:PASS|PWD|KEY)(?![A-Za-z]))"
)
_SECRET = re.compile(_NAMED, re.IGNORECASE)
_LAST = re.compile(rf"{_NAMED}\Z", re.IGNORECASE)
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

#: A whole name, not a part of a node id (``test_token.py::TestToken::test_it``).
_NAME = rf"(?<![\w-])[\"']?[\w-]{{0,60}}?{_NAMED}[\w-]{{0,60}}?"
#: Between a name and its value; behind a comma only what is quoted has a name.
_IS = r"[\"']?[ \t]{0,8}(?::(?!:)|==?|(?<=[\"']),)[ \t]{0,8}(?:\n[ \t]{1,16})?"
_QUOTED = r"(?P<quote>[\"'])(?:\\.|(?!(?P=quote))[^\n\\])*(?:(?P=quote)|$)"
_RULES = (
    # A private key, to its end; one that was cut off has none.
    (re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY.*?(?:-----END [A-Z0-9 ]{0,40}-----|\Z)",
                re.DOTALL), HIDDEN),
    # NAME=value, "name": "value"; a value behind a space may have several words.
    (re.compile(rf"(?P<name>{_NAME}{_IS})(?:{_QUOTED}|(?<==)\S+|(?<!,)(?<!, )(?=\S)[^\n]+)",
                re.IGNORECASE | re.MULTILINE), rf"\g<name>\g<quote>{HIDDEN}\g<quote>"),
    # --password value
    (re.compile(rf"(?P<name>(?<![\w-])--?[\w-]{{0,60}}?{_NAMED}[ \t]+)(?!-)(?:{_QUOTED}|\S+)",
                re.IGNORECASE | re.MULTILINE), rf"\g<name>{HIDDEN}"),
    (re.compile(r"\b(?P<name>Bearer|Basic)[ \t]+[A-Za-z0-9+/._~=-]{8,}"), rf"\g<name> {HIDDEN}"),
    # Forms that services give to their tokens; the last are JSON web tokens.
    (re.compile(
        r"(?<![A-Za-z0-9])(?:gh[pousr]_[A-Za-z0-9]{12,}|github_pat_\w{12,}"
        r"|gl(?:pat|rt|dt)-[\w-]{12,}|A[KS]IA[A-Z0-9]{12,}|xox[abeprs]-[\w-]{10,}|xapp-[\w-]{10,}"
        r"|hf_[A-Za-z0-9]{16,}|pypi-(?:AgE[\w-]{8,}|[\w-]{40,})|npm_[A-Za-z0-9]{20,}"
        r"|dckr_pat_[\w-]{12,}|[sr]k[-_](?:live|test|proj|ant)[-_][\w-]{8,}|sk-[A-Za-z0-9]{20,}"
        r"|AIza[\w-]{30,}|ya29\.[\w-]{20,}|SG\.[\w-]{16,}\.[\w-]{16,}"
        r"|eyJ[\w-]{8,}\.[\w-]{4,}(?:\.[\w-]*){0,3})"
    ), HIDDEN),
)  # fmt: skip


def is_secret_name(name: str, value: object = "") -> bool:
    """Whether a field of this name holds a secret.

    A number is one only when the name ends so: ``token_count`` counts, ``auth_token`` opens.

    Examples:
        >>> [is_secret_name(n) for n in ("api_token", "dbPassword", "X-API-Key", "author", "keys")]
        [True, True, True, False, False]
        >>> is_secret_name("token_count", 3), is_secret_name("password", 1234)
        (False, True)
    """
    words = _CAMEL.sub("_", name)
    counts = isinstance(value, (int, float)) or value is None
    return (_LAST if counts else _SECRET).search(words) is not None


def without_secrets(text: str) -> str:
    """Return `text` with what looks like a secret hidden.

    Examples:
        >>> without_secrets("curl -H 'X-API-Key: abc' --password s3cr3t https://a.example")
        "curl -H 'X-API-Key: ***"
        >>> without_secrets("API_TOKEN=abc on linux; tests/test_auth.py::TestToken::test_it PASSED")
        'API_TOKEN=*** on linux; tests/test_auth.py::TestToken::test_it PASSED'
    """
    for pattern, told in _RULES:
        text = pattern.sub(told, text)
    return text


def without_secrets_in(value: Any) -> Any:
    """Return JSON-like data with the values of secret names hidden, however deep they lie.

    Examples:
        >>> without_secrets_in({"size": 3, "login": [{"password": "x"}], "token": {"a": 1}})
        {'size': 3, 'login': [{'password': '***'}], 'token': '***'}
    """
    if isinstance(value, dict):
        return {
            name: HIDDEN if is_secret_name(str(name), part) else without_secrets_in(part)
            for name, part in value.items()
        }
    if isinstance(value, list):
        return [without_secrets_in(part) for part in value]
    return value
