"""The grammar of claims, and what the evidence says to them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings, strategies as st

from sphinx_ptyreg.claims import LIMIT, Binary, Claim, ClaimError, Path, parse, spell
from sphinx_ptyreg.judging import Known, Verdict, judge_claim
from sphinx_ptyreg.units import Quantity, known_units

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False).map(lambda x: float(f"{x:.6g}"))
QUANTITIES = st.builds(Quantity, NUMBERS, st.sampled_from([*known_units(), "furlong", "px/s"]))
NAMES = st.from_regex(r"[A-Za-z][A-Za-z0-9_-]{0,5}", fullmatch=True)
PATHS = st.lists(NAMES, min_size=2, max_size=4).map(lambda parts: Path(".".join(parts)))
EXPRESSIONS = st.recursive(
    QUANTITIES | PATHS,
    lambda inner: st.builds(Binary, st.sampled_from("+*/"), inner, inner),
    max_leaves=5,
)
CLAIMS = st.builds(
    Claim, EXPRESSIONS, st.sampled_from(["<", "<="]), EXPRESSIONS, st.none(),
    st.none() | st.tuples(st.sampled_from(["<", "<="]), EXPRESSIONS),
) | st.builds(
    Claim, EXPRESSIONS, st.sampled_from([">", ">="]), EXPRESSIONS, st.none(),
    st.none() | st.tuples(st.sampled_from([">", ">="]), EXPRESSIONS),
) | st.builds(
    Claim, EXPRESSIONS, st.just("="), EXPRESSIONS,
    st.builds(Quantity, st.floats(0, 1e6).map(lambda x: float(f"{x:.6g}")),
              st.sampled_from(known_units())), st.none(),
)  # fmt: skip


@given(claim=CLAIMS)
@settings(max_examples=400)
def test_reading_what_was_printed_gives_the_same_claim(claim):
    text = spell(claim)
    if len(text) <= LIMIT:
        assert parse(text) == claim
        assert spell(parse(text)) == text


def test_ten_thousand_random_strings_raise_its_own_error_or_nothing():
    chance = random.Random(7)  # noqa: S311 - no secret
    signs = "a.b a.b a.duration.max 90 s <= = ± +/- ( ) * / + 1/s % -5 1e999 é ` | . - 9.9.9 < GiB"
    words = [*signs.split(), "a.b < 3 s", " ", "\0", "\n"]
    read = 0
    for _ in range(10_000):
        if chance.random() < 0.1:
            text = " ".join(chance.choices(words, k=3))
        elif chance.random() < 0.7:
            text = "".join(chance.choices(words, k=chance.randint(0, 12)))
        else:
            text = "".join(chr(chance.randrange(0x2FFF)) for _ in range(chance.randint(0, 40)))
        try:
            parse(text)
            read += 1
        except ClaimError as error:
            assert str(error).startswith("Expected")  # noqa: PT017
    assert read > 5


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expected a path (selector.path.to.value), a number with a unit, or '(', but got"),
        ("a.b", "Expected a comparison (<, <=, >, >=, =) after 'a.b', but got the end."),
        ("a.b <= 90 par.sec", "Expected the end of the claim after 'a.b <= 90', but got 'par."),
        ("a.b - 5 s <= 3 s", "Expected a path, a number with a unit, or an operator"),
        ("a.b = 5 s", "Expected a tolerance (± …) with = and only there"),
        ("a.b <= 5 s ± 1 s", "Expected a tolerance (± …) with = and only there"),
        ("a.b = 5 s ± -1 s", "Expected a tolerance of at least 0"),
        ("a.b <= 1e999", "Expected a finite number, but got '1e999'."),
        ("(" * 30 + "a.b" + ")" * 30 + " < 1", "nested at most 20 deep"),
        ("a.b < " + "1 + " * 200 + "1", "at most 500 characters"),
        ("1 s < a.b < 2 s < 3 s", "Expected the end of the claim"),
        ("1 s < a.b > 2 s", "Expected a second comparison that goes the way of <"),
        ("a.b = 2 s ± 1 s < 3 s", "Expected the end of the claim"),
    ],
)  # fmt: skip
def test_what_is_no_claim_is_refused_in_words(text, words):
    with pytest.raises(ClaimError) as caught:
        parse(text)
    assert words in str(caught.value)


HERE = "linux-x86_64-test-2c"


def known(value, *, unit=(("time", 1),), n=3, where=HERE, stale=False, told="s", newest=False):
    return Known(value, unit, n, where, stale, told, newest)


TIMES = {
    "a.duration.mean": known(36.0),
    "a.duration.max": known(36.5),
    "a.duration.stdev": known(None, n=1),
    "a.stale": known(36.0, stale=True),
    "a.none": known(None, n=0, where=""),
    "a.rate": known(4.0, unit=(("time", -1),), told="1/s"),
    "a.n": known(72.0, unit=(), told="1"),
    "b.duration.mean": known(9.0, n=1),
    "far.duration.mean": known(9.0, where="linux-x86_64-gpu-8c"),
    "a.limit": known(90.0, n=0, where=""),
    "a.duration": known(36.0, newest=True),
    "b.duration": known(9.0, newest=True),
    "a.share": known(0.9576, unit=(), told="%"),
    "a.load": known(0.0042, told="s"),
    "a.odd": known(3.0, unit=(("furlong", 1),), told="furlong"),
}


@pytest.mark.parametrize(
    ("text", "verdict", "shown"),
    [
        ("a.duration.max <= 90 s", Verdict.HOLDS, "36.50 s, n = 3"),
        ("a.duration.max <= 0.5 min", Verdict.FALSE, "0.6083 min, n = 3"),
        ("30 s <= a.duration.mean <= 36 s", Verdict.HOLDS, "36.00 s, n = 3"),
        ("30 s <= a.duration.mean < 36 s", Verdict.FALSE, "36.00 s, n = 3"),
        ("37 s < a.duration.mean < 40 s", Verdict.FALSE, "36.00 s, n = 3"),
        ("a.limit > a.duration.mean >= b.duration.mean", Verdict.HOLDS, "36.00 s, n = 1"),
        ("a.duration.mean ≥ −1 s", Verdict.HOLDS, "36.00 s, n = 3"),
        ("a.duration.mean × 2 <= 72 s", Verdict.HOLDS, "72.00 s, n = 3"),
        ("a.duration.mean ≤ 36\u00a0s", Verdict.HOLDS, "36.00 s, n = 3"),
        ("a.duration <= 36 s", Verdict.HOLDS, "36.00 s, newest of 3"),
        ("a.duration / b.duration >= 4", Verdict.HOLDS, "4, newest of 3"),
        ("a.duration / a.duration.mean >= 1", Verdict.HOLDS, "1, n = 1"),
        ("a.load <= 0.01 s", Verdict.HOLDS, "0.0042 s, n = 3"),
        ("a.load <= 5 ms", Verdict.HOLDS, "4.2 ms, n = 3"),
        ("a.load <= a.limit", Verdict.HOLDS, "4.2 ms, n = 3"),
        ("a.share = 50 % ± 50 %", Verdict.HOLDS, "95.76 %, n = 3"),
        ("a.share = 50 % ± 45 %", Verdict.FALSE, "95.76 %, n = 3"),
        ("a.share = 0.9 ± 6 %", Verdict.HOLDS, "0.9576, n = 3"),
        ("a.share = 0.9 ± 5.5 %", Verdict.FALSE, "0.9576, n = 3"),
        ("a.odd < 4 furlong", Verdict.HOLDS, "3 furlong, n = 3"),
        ("a.odd = 2 furlong ± 1 furlong", Verdict.HOLDS, "3 furlong, n = 3"),
        ("a.duration.max <= a.limit", Verdict.HOLDS, "36.50 s, n = 3"),
        ("90 s >= a.duration.max", Verdict.HOLDS, "36.50 s, n = 3"),
        ("a.duration.mean = 36 s ± 5 s", Verdict.HOLDS, "36.00 s, n = 3"),
        ("a.duration.mean = 31 s ± 5 s", Verdict.HOLDS, "36.00 s, n = 3"),
        ("a.duration.mean = 30.9 s ± 5 s", Verdict.FALSE, "36.00 s, n = 3"),
        ("a.duration.mean = 40 s ± 10 %", Verdict.HOLDS, "36.00 s, n = 3"),
        ("a.duration.mean / b.duration.mean >= 4", Verdict.HOLDS, "4, n = 1"),
        ("a.duration.mean / b.duration.mean > 400 %", Verdict.FALSE, "400.00 %, n = 1"),
        ("a.n / a.duration.mean = 2 1/s ± 1 %", Verdict.HOLDS, "2 1/s, n = 3"),
        ("a.duration.mean * a.rate >= 144", Verdict.HOLDS, "144, n = 3"),
        ("a.duration.mean + b.duration.mean < 45.5 s", Verdict.HOLDS, "45.00 s, n = 1"),
        ("a.duration.mean / far.duration.mean >= 3", Verdict.NOT_COMPARABLE, "4, n = 3"),
        ("a.duration.mean > far.duration.mean", Verdict.NOT_COMPARABLE, "36.00 s, n = 3"),
        ("a.stale <= 90 s", Verdict.STALE, "36.00 s, n = 3"),
        ("a.stale <= 1 s", Verdict.STALE, "36.00 s, n = 3"),
        ("a.none <= 90 s", Verdict.NO_DATA, ""),
        ("a.duration.stdev <= 90 s", Verdict.NO_DATA, "n = 1"),
        ("a.duration.mean / (a.n * 0) > 1 s", Verdict.NO_DATA, "n = 3"),
    ],
)
def test_a_claim_is_judged(text, verdict, shown):
    judged = judge_claim(parse(text), TIMES.__getitem__)
    assert (judged.verdict, judged.shown) == (verdict, shown)


@pytest.mark.parametrize(
    "text",
    [
        "a.duration.mean <= 90 MiB", "a.duration.mean <= 90", "a.rate <= 3 s",
        "a.duration.mean + a.n < 3 s", "a.duration.mean = 36 s ± 5 MiB", "1 s < 2 s",
        "a.none <= 90 MiB", "a.duration <= 90 parsec", "a.odd <= 90 furlongs", "a.odd <= 90 s",
        "1 s < a.duration < 3 MiB",
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_no_claim(text):
    with pytest.raises(ClaimError, match="Expected"):
        judge_claim(parse(text), TIMES.__getitem__)


CLAIM = "{{ptyreg:claim}}`{}`\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("quick.duration.mean <= 30 s", "'quick.duration.mean <= 30 s': false (36.03 s, n = 3)"),
        ("slow.duration.cv <= 3 %", "'slow.duration.cv <= 3 %': no data (n = 1)"),
        ("never.duration <= 3 s", "'never.duration <= 3 s': no data"),
        ("never.duration <= 3 MiB", "to measure the same, but got a time and a size"),
        ("quick.duration.mean << 3", "Expected a path (selector.path.to.value)"),
        ("quick.durration.mean < 3 s", "Did you mean quick.duration.mean"),
        ("quick.environment.cpu < 3 s", "Expected quick.environment.cpu to be a number"),
    ],
)
def test_a_claim_that_does_not_hold_is_a_located_typed_warning_in_every_build(seeded, text, words):
    for builder in ("html", "html"):  # the second reads nothing
        built = seeded.page("First.\n\n" + CLAIM.format(text), builder=builder)
        told = [line for line in built.warnings.splitlines() if "claim " in line]
        assert len(told) == 1
        assert "index.md:5: WARNING: claim " in told[0]
        assert words in told[0]
        assert "[ptyreg." in told[0]
        assert built.status == 0


def test_only_a_claim_that_holds_is_plain_text(seeded):
    built = seeded.page(CLAIM.format("quick.duration.max <= 90 s"))
    assert "quick.duration.max ≤ 90 s (36.20 s, n = 3)" in built.text()
    assert built.spans("ptyreg-badge") == []
    assert built.warnings == ""
    seeded.write("src.py", "ANSWER = 43\n")
    built = seeded.page(CLAIM.format("quick.duration.max <= 90 s"))
    assert built.spans("ptyreg-badge") == ["stale evidence"]


def test_a_false_claim_is_an_error_where_evidence_is_required(seeded):
    built = seeded.page(
        CLAIM.format("quick.duration.max <= 9 s"),
        builder="html",
        overrides={"ptyreg_mode": "require"},
    )
    assert "ERROR: claim 'quick.duration.max <= 9 s': false" in built.warnings
    assert built.status == 1


def test_a_finding_can_be_judged_by_a_claim(seeded):
    built = seeded.page("```{ptyreg:finding} SPEED-1\n```\n")
    assert "quick.duration.max ≤ 90 s (36.20 s, n = 3)" in built.text()
    assert built.spans("ptyreg-badge") == ["holds"]


def test_a_finding_with_a_broken_claim_is_refused_with_its_place(bench):
    from sphinx_ptyreg.config import load
    from sphinx_ptyreg.errors import ConfigError

    bench.write(
        "pyproject.toml",
        '[tool.ptyreg.findings.F]\ntitle = "t"\nrule = "r"\nclaim = "quick.duration <"\n',
    )
    with pytest.raises(ConfigError, match=r"tool\.ptyreg\.findings\.F\.claim: Expected a path"):
        load(bench.root)
