"""Numbers on a page: units, formats, summaries and verdicts."""

from __future__ import annotations

import math
import statistics

import pytest
from hypothesis import assume, example, given, strategies as st

from sphinx_ptyreg.declared import Guardrail
from sphinx_ptyreg.errors import PtyregError
from sphinx_ptyreg.guardrails import Baseline, Verdict, judge
from sphinx_ptyreg.statistics import summarise
from sphinx_ptyreg.units import (
    _UNITS,
    Quantity,
    convert,
    is_unit,
    parse_quantity,
    same_dimension,
)
from sphinx_ptyreg.values import FormatError, Reference, Value, parse_reference, render

units = st.sampled_from(sorted(_UNITS))
sane = st.floats(-1e12, 1e12, allow_nan=False)
samples = st.lists(st.floats(-1e9, 1e9, allow_nan=False), min_size=1, max_size=12)


@given(value=sane, unit=units, other=units)
def test_converting_there_and_back_is_the_identity(value, unit, other):
    assume(same_dimension(unit, other))
    assert math.isclose(
        convert(convert(value, unit, other), other, unit), value, rel_tol=1e-12, abs_tol=1e-300
    )


@given(unit=units, other=units)
def test_incompatible_units_are_refused_with_those_that_fit(unit, other):
    assume(not same_dimension(unit, other))
    with pytest.raises(ValueError, match="Expected a unit that") as caught:
        convert(1.0, unit, other)
    assert unit in str(caught.value)


@given(value=sane, unit=units, space=st.sampled_from(["", " ", "  "]))
def test_a_quantity_reads_as_it_is_written(value, unit, space):
    assume(space or not unit.startswith("1"))
    assert parse_quantity(f"{value!r}{space}{unit}") == Quantity(value, unit)


@given(text=st.text(max_size=20))
def test_any_text_is_a_quantity_or_a_sentence(text):
    try:
        quantity = parse_quantity(text)
    except ValueError as error:
        assert str(error).startswith("Expected a ")  # noqa: PT017
    else:
        assert math.isfinite(quantity.value)
        assert is_unit(quantity.unit)


@given(found=samples)
def test_a_summary_keeps_its_order(found):
    summary = summarise(found)
    assert summary.n == len(found)
    assert summary.min <= summary.median <= summary.max
    slack = 1e-6 + 1e-12 * max(abs(summary.min), abs(summary.max))
    assert summary.min - slack <= summary.mean <= summary.max + slack
    assert (summary.stdev is None) == (len(found) == 1)
    assert summary.cv is None or summary.stdev is not None


@given(found=st.lists(st.integers(-(10**9), 10**9), min_size=2, max_size=12))
def test_a_summary_agrees_with_the_standard_library(found):
    summary = summarise([float(sample) for sample in found])
    assert summary.mean == pytest.approx(statistics.mean(found), rel=1e-12, abs=1e-6)
    assert summary.median == statistics.median(found)
    assert summary.stdev == pytest.approx(statistics.stdev(found), rel=1e-12, abs=1e-6)


@given(found=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=4))
@example(found=[1.7e308, 1.7e308, -1.7e308, -1.7e308])
@example(found=[-1.7e308, -1.7e308])
def test_no_finite_samples_break_a_summary(found):
    assert summarise(found).n == len(found)


@pytest.mark.parametrize("found", [[], [math.nan], [1.0, math.inf]])
def test_no_summary_of_nothing_or_of_what_is_not_finite(found):
    with pytest.raises(ValueError, match="Expected samples to be finite numbers"):
        summarise(found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.duration", Reference("a.duration")),
        ("a.duration:.1f", Reference("a.duration", ".1f")),
        ("a.duration:.1f s", Reference("a.duration", ".1f", "s")),
        ("a.duration:s", Reference("a.duration", "", "s")),
        ("a.duration.mean:.1f  min ", Reference("a.duration.mean", ".1f", "min")),
        ("a.rate:,.0f 1/s", Reference("a.rate", ",.0f", "1/s")),
        ("a.share:.1%", Reference("a.share", ".1%")),
        ("a.share:.1f %", Reference("a.share", ".1f", "%")),
        ("a.items:d", Reference("a.items", "d")),
        ("a.age:h", Reference("a.age", "", "h")),
        ("a.items:,d", Reference("a.items", ",d")),
        ("a.age:.1f d", Reference("a.age", ".1f", "d")),
        ("a.share:%", Reference("a.share", "%")),
        ("a.b:zf", Reference("a.b", "zf")),
        ("a.b:> 10f", Reference("a.b", "> 10f")),
        ("a.duration:.1f\n  μs", Reference("a.duration", ".1f", "µs")),
        ("a.odd:.1f furlong", Reference("a.odd", ".1f", "furlong")),
        ("a.odd:furlong", Reference("a.odd", "", "furlong")),
        (" a.b ", Reference("a.b")),
    ],
)
def test_a_citation_reads_one_way(text, expected):
    assert parse_reference(text) == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "Expected 'selector.path.to.value:FORMAT UNIT'"),
        ("a b", "Expected 'selector.path"),
        ("a|b", "Expected 'selector.path"),
        ("a.duration:.1f parsec", "a.duration: Expected a unit that s converts to (ns, µs,"),
        ("a.duration:.1f S", "Expected"),
    ],
)
def test_what_is_no_citation_is_refused_in_words(text, words):
    with pytest.raises(PtyregError, match="Expected") as caught:
        render(Value(1.0, "s"), parse_reference(text))
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("value", "text", "shown"),
    [
        (Value(35.918, "s"), "a.b", "35.92 s"),
        (Value(200_000.0), "a.b", "200000"),
        (Value(12_345.67, "px"), "a.b", "12346 px"),
        (Value(2.5e17), "a.b", "2.5e+17"),
        (Value(35.918, "s"), "a.b:.1f", "35.9"),
        (Value(35.918, "s"), "a.b:.1f s", "35.9 s"),
        (Value(90.0, "s"), "a.b:min", "1.5 min"),
        (Value(0.5, "1"), "a.b:.0f %", "50 %"),
        (Value(3), "a.b", "3"),
        (Value(3), "a.b:04d", "0003"),
        (Value(1e-9, "1"), "a.b", "1e-09"),
        (Value(True), "a.b", "True"),
        (Value("AMD EPYC"), "a.b", "AMD EPYC"),
        (Value("AMD EPYC"), "a.b:>10", "  AMD EPYC"),
        (Value(2048.0, "MiB"), "a.b:.1f GiB", "2.0 GiB"),
        (Value(200_000.0), "a.b:,d", "200,000"),
        (Value(0.07, "s"), "a.b:d ms", "70 ms"),
        (Value(7.0, "s"), "a.b:s", "7.00 s"),
        (Value("text"), "a.b:s", "text"),
        (Value(50.0, "%"), "a.b:.1%", "50.0%"),
        (Value(3.0, "furlong"), "a.b:.1f furlong", "3.0 furlong"),
        (Value(3.0, "furlong"), "a.b:furlong", "3 furlong"),
        (Value(0.0042, "s"), "a.b", "4.2 ms"),
        (Value(0.06, "s"), "a.b", "0.06 s"),
        (Value(0.00501, "s"), "a.b", "0.01 s"),
        (Value(9.997e-4, "s"), "a.b", "1000 µs"),
        (Value(1.23456e-8, "s"), "a.b", "12.3 ns"),
        (Value(2e-12, "s"), "a.b", "0.002 ns"),
        (Value(0.0042, "s"), "a.b:s", "0.0042 s"),
        (Value(4.25, "MiB"), "a.b", "4 MiB"),
        (Value(0.25, "MiB"), "a.b", "256 KiB"),
        (Value(0.04, "dB"), "a.b", "0.04 dB"),
        (Value(-0.0, "s"), "a.b", "0.00 s"),
        (Value(-0.001, "s"), "a.b:.2f", "0.00"),
        (Value(-0.001, "s"), "a.b:.2e s", "-1.00e-03 s"),
        (Value(90.0, "s", 0), "a.b", "90 s"),
        (Value(7.25, "dB", 0), "a.b", "7.25 dB"),
        (Value(90.0, "s", 0), "a.b:.1f min", "1.5 min"),
    ],
)
def test_a_value_reads_as_its_author_asked(value, text, shown):
    assert render(value, parse_reference(text)) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Value(1.0, "s"), "a.b:.1f MiB"),
        (Value("text"), "a.b:.1f s"),
        (Value("text"), "a.b:.1f"),
        (Value(1.0, "s"), "a.b:.1q"),
        (Value(1.0, "s"), "a.b:{x}"),
        (Value(1.0, "s"), "a.b:>2000"),
        (Value(1.0, "s"), "a.b:>99999999999"),
        (Value(1.0, "s"), "a.b:.999999999f"),
        (Value(10**12), "a.b:c"),
        (Value(7), "a.b:c"),
        (Value(True), "a.b:MiB"),
        (Value(1.0, "furlong"), "a.b:.1f s"),
        (Value(1.0, "furlong"), "a.b:.1f parsec"),
        (Value(36.5, "s"), "a.b:d"),
        (Value(36.5, "s"), "a.b:.1%"),
        (Value(True), "a.b:s"),
    ],
)
def test_a_format_that_does_not_fit_is_refused(value, text):
    with pytest.raises(FormatError, match="Expected"):
        render(value, parse_reference(text))


@given(
    value=st.one_of(
        sane.map(lambda v: Value(v, "s")), st.integers().map(Value), st.text(max_size=9).map(Value),
        st.booleans().map(Value),
    ),
    spec=st.text("<>=^+-#0123456789_,.sbcdoxXneEfFgG%MiB ", max_size=8),
)  # fmt: skip
def test_no_format_breaks_a_page(value, spec):
    try:
        text = render(value, parse_reference(f"a.b:{spec}"))
    except FormatError as error:
        assert len(str(error)) < 5000  # noqa: PT017
    else:
        assert len(text) <= 1010
        assert not any(ord(mark) < 32 for mark in text) or isinstance(value.value, str)


def verdict(guardrail, value, baseline=None):
    return judge("m", guardrail, value, baseline or Baseline(None, "none")).verdict


@pytest.mark.parametrize(
    ("guardrail", "value", "expected"),
    [
        (Guardrail(fail="90 s", warn="60 s"), Quantity(60.0, "s"), Verdict.PASS),
        (Guardrail(fail="90 s", warn="60 s"), Quantity(60.1, "s"), Verdict.WARN),
        (Guardrail(fail="90 s", warn="60 s"), Quantity(90.1, "s"), Verdict.FAIL),
        (Guardrail(fail="1.5 min"), Quantity(90_001.0, "ms"), Verdict.FAIL),
        (Guardrail(minimum="0.85"), Quantity(0.8499, "1"), Verdict.FAIL),
        (Guardrail(minimum="85 %"), Quantity(0.86, "1"), Verdict.PASS),
        (Guardrail(minimum="20 s"), Quantity(19.0, "s"), Verdict.WARN),
        (Guardrail(fail="90 s"), Quantity(1.0, "MiB"), Verdict.NOT_COMPARABLE),
        (Guardrail(fail="90 s"), None, Verdict.NO_DATA),
        (Guardrail(), Quantity(1.0, "s"), Verdict.NO_DATA),
    ],
)
def test_a_metric_is_judged_by_its_bounds(guardrail, value, expected):
    assert verdict(guardrail, value) is expected


@given(value=st.floats(0, 200), limit=st.floats(1, 100))
def test_a_slower_run_never_gets_a_better_verdict(value, limit):
    guardrail = Guardrail(fail=f"{2 * limit!r} s", warn=f"{limit!r} s")
    rank = {Verdict.PASS: 0, Verdict.WARN: 1, Verdict.FAIL: 2}
    now = rank[verdict(guardrail, Quantity(value, "s"))]
    assert rank[verdict(guardrail, Quantity(value + 1.0, "s"))] >= now


@pytest.mark.parametrize(
    ("tolerance", "value", "expected"),
    [
        ("30 %", 13.0, Verdict.PASS),
        ("30 %", 13.1, Verdict.WARN),
        ("30 %", 6.9, Verdict.WARN),
        ("5 s", 15.0, Verdict.PASS),
        ("5 s", 15.1, Verdict.WARN),
    ],
)
def test_a_metric_far_from_its_baseline_warns_and_never_fails(tolerance, value, expected):
    guardrail = Guardrail(baseline="published", tolerance=tolerance)
    near = Baseline(Quantity(10.0, "s"), "published, n = 1")
    assert verdict(guardrail, Quantity(value, "s"), near) is expected


def test_without_a_baseline_of_this_class_nothing_is_compared():
    guardrail = Guardrail(baseline="published", tolerance="30 %")
    judgement = judge("m", guardrail, Quantity(1.0, "s"), Baseline(None, "no published run"))
    assert judgement.verdict is Verdict.NOT_COMPARABLE
    assert judgement.checks[0].note == "no published run"
