"""Claims: a statement about measured values, spelt in a small grammar with its own parser.

    claim    = sum relation sum [ relation sum | "±" quantity ]
    relation = "<" | "<=" | ">" | ">=" | "="        (also ≤ ≥ ==)
    sum      = product { "+" product }
    product  = factor { ( "*" | "/" ) factor }      (also ×)
    factor   = quantity | path | "(" sum ")"
    quantity = number [ unit ]
    path     = name "." name { "." name }

Names contain ``-``, so there is no subtraction. ``=`` needs a tolerance, and only ``=`` takes one.
Two comparisons in a row go the same way: ``30 s <= a.duration.mean <= 40 s``. A unit is one of the
known or the word that a value of the claim has.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import NamedTuple

from .errors import PtyregError, WarningSubtype
from .units import WORD, Quantity, known_units

__all__ = ["LIMIT", "NESTING", "Binary", "Claim", "ClaimError", "Path", "named", "parse", "spell"]

#: Characters of the longest claim, and its deepest nesting.
LIMIT = 500
NESTING = 20

_UNITS = "|".join(
    re.escape(unit) for unit in sorted(known_units(), key=len, reverse=True) if unit != "1"
)
#: Where a known unit ends: it is no part of a longer word, such as px/s.
_END = r"(?![A-Za-z0-9_-]|/[A-Za-z]+(?![\w.-]))"
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<number>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
        (?:\s*(?P<unit>{_UNITS}){_END}|\s*(?P<own>{WORD})(?![\w.-]))?
    | (?P<glued>-?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?P<unit_glued>{_UNITS}){_END}
    | (?P<path>[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+)
    | (?P<sign><=|>=|==|±|\+/-|[<>=≤≥()*/+])
    )""",
    re.VERBOSE | re.ASCII,
)
#: As a page prints it → as it is read.
_TYPED = str.maketrans({"−": "-", "×": "*", "\u00a0": " ", "\u202f": " ", "\u03bc": "µ"})
_RELATIONS = {
    "<": "<", "<=": "<=", "≤": "<=", ">": ">", ">=": ">=", "≥": ">=", "=": "=", "==": "=",
}  # fmt: skip


class ClaimError(PtyregError):
    """A claim that cannot be read, or compares what cannot be compared."""

    subtype = WarningSubtype.CLAIM


class Path(NamedTuple):
    """A value, by its path."""

    path: str


class Binary(NamedTuple):
    """Two operands and ``+``, ``*`` or ``/``."""

    operator: str
    left: Expression
    right: Expression


Expression = Quantity | Path | Binary
_Part = Callable[[int], Expression]


class Claim(NamedTuple):
    """A comparison.

    Attributes:
        left: What stands before the relation.
        relation: ``<``, ``<=``, ``>``, ``>=`` or ``=``.
        right: What stands behind it.
        tolerance: Of ``=``, and of nothing else.
        then: A second relation, which goes the same way, and what `right` is compared with.
    """

    left: Expression
    relation: str
    right: Expression
    tolerance: Quantity | None = None
    then: tuple[str, Expression] | None = None

    @property
    def sides(self) -> tuple[Expression, ...]:
        """What is compared, from left to right."""
        return (self.left, self.right, *([self.then[1]] if self.then else []))


class _Token(NamedTuple):
    kind: str
    text: str
    at: int
    unit: str = "1"


def parse(text: str) -> Claim:
    """Read a claim.

    Raises:
        ClaimError: It does not follow the grammar.

    Examples:
        >>> parse("a.duration.max <= 90 s")
        Claim(left=Path(path='a.duration.max'), relation='<=', right=Quantity(value=90.0, unit='s'), tolerance=None, then=None)
        >>> spell(parse("3<=a.mean/b.mean<4"))
        '3 <= a.mean / b.mean < 4'
    """  # noqa: E501 - a doctest
    if len(text) > LIMIT:
        raise ClaimError(f"Expected a claim of at most {LIMIT} characters, but got {len(text)}.")
    return _Parser(text).claim()


def spell(claim: Claim) -> str:
    """Print a claim; reading it back gives the same claim."""
    tail = f" ± {_quantity(claim.tolerance)}" if claim.tolerance is not None else ""
    if claim.then is not None:
        tail = f" {claim.then[0]} {_expression(claim.then[1])}"
    return f"{_expression(claim.left)} {claim.relation} {_expression(claim.right)}{tail}"


_RANK = {"+": 1, "*": 2, "/": 2}


def _expression(expression: Expression) -> str:
    if isinstance(expression, Quantity):
        return _quantity(expression)
    if isinstance(expression, Path):
        return expression.path
    left, right = _expression(expression.left), _expression(expression.right)
    rank = _RANK[expression.operator]
    if isinstance(expression.left, Binary) and _RANK[expression.left.operator] < rank:
        left = f"({left})"
    if isinstance(expression.right, Binary) and _RANK[expression.right.operator] <= rank:
        right = f"({right})"
    return f"{left} {expression.operator} {right}"


def _quantity(quantity: Quantity) -> str:
    number = f"{quantity.value!r}".removesuffix(".0")
    return number if quantity.unit == "1" else f"{number} {quantity.unit}"


def named(text: str) -> list[str]:
    """Return what look like paths in a text that may be no claim."""
    return re.findall(r"[A-Za-z][A-Za-z0-9_-]*(?:\.[A-Za-z0-9_-]+)+", text[:LIMIT])


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text.translate(_TYPED)
        self.tokens = self._tokens()
        self.at = 0

    def _tokens(self) -> list[_Token]:
        tokens, at, end = [], 0, len(self.text.rstrip())
        while at < end:
            match = _TOKEN.match(self.text, at)
            if match is None:
                raise self._error("a path, a number with a unit, or an operator", at)
            if (number := match["number"] or match["glued"]) is not None:
                unit = match["unit"] or match["own"] or match["unit_glued"] or "1"
                tokens.append(_Token("number", number, at, unit))
            elif match["path"] is not None:
                tokens.append(_Token("path", match["path"], at))
            else:
                sign = match["sign"].replace("+/-", "±")
                tokens.append(_Token(_RELATIONS.get(sign, sign), sign, at))
            at = match.end()
        return tokens

    @property
    def kind(self) -> str:
        return self.tokens[self.at].kind if self.at < len(self.tokens) else ""

    def take(self) -> _Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def claim(self) -> Claim:
        left = self.sum(0)
        if self.kind not in _RELATIONS.values():
            raise self._error("a comparison (<, <=, >, >=, =)")
        relation = self.take().kind
        right = self.sum(0)
        tolerance, then = None, None
        if self.kind in _RELATIONS.values() and relation != "=":
            if self.kind[0] != relation[0]:
                raise self._error(f"a second comparison that goes the way of {relation}")
            then = (self.take().kind, self.sum(0))
        elif self.kind == "±":
            self.take()
            if self.kind != "number":
                raise self._error("a quantity after ±")
            tolerance = self.quantity()
            if tolerance.value < 0:
                raise ClaimError(f"Expected a tolerance of at least 0, but got {self.text!r}.")
        if self.kind:
            raise self._error("the end of the claim")
        if (relation == "=") != (tolerance is not None):
            raise ClaimError(
                f"Expected a tolerance (± …) with = and only there, but got {self.text!r}."
            )
        return Claim(left, relation, right, tolerance, then)

    def sum(self, depth: int) -> Expression:
        return self._chain(depth, ("+",), self.product)

    def product(self, depth: int) -> Expression:
        return self._chain(depth, ("*", "/"), self.factor)

    def _chain(self, depth: int, operators: tuple[str, ...], part: _Part) -> Expression:
        expression = part(depth)
        while self.kind in operators:
            operator = self.take().kind
            expression = Binary(operator, expression, part(depth))
        return expression

    def factor(self, depth: int) -> Expression:
        if depth > NESTING:
            raise ClaimError(f"Expected a claim nested at most {NESTING} deep, but got more.")
        if self.kind == "number":
            return self.quantity()
        if self.kind == "path":
            return Path(self.take().text)
        if self.kind == "(":
            self.take()
            inner = self.sum(depth + 1)
            if self.kind != ")":
                raise self._error("a closing parenthesis")
            self.take()
            return inner
        raise self._error("a path (selector.path.to.value), a number with a unit, or '('")

    def quantity(self) -> Quantity:
        token = self.take()
        value = float(token.text)
        if not math.isfinite(value):
            raise ClaimError(f"Expected a finite number, but got {token.text!r}.")
        return Quantity(value, token.unit)

    def _error(self, expected: str, at: int | None = None) -> ClaimError:
        if at is None:
            at = self.tokens[self.at].at if self.at < len(self.tokens) else len(self.text)
        rest = self.text[at:].strip()
        found = repr(rest[:40]) if rest else "the end"
        before = f" after {self.text[:at].strip()[-40:]!r}" if self.text[:at].strip() else ""
        return ClaimError(f"Expected {expected}{before}, but got {found}.")
