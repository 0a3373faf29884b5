"""Floating-point memory against the codes of the formats, NumPy's half precision, and what rounding must mean."""

import functools

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats, integers, sampled_from

from hw_models import FloatingPoint, InputError
from hw_models.cells.fixed_point import Word
from hw_models.parts import check
from hw_models.testing import as_numbers, check_cell

E4M3, E5M2, HALF, BFLOAT16 = (4, 3, "numbers"), (5, 2, "reserved"), (5, 10, "reserved"), (8, 7, "reserved")
uniforms = integers(0, 2**23 - 1).map(lambda k: (k + 0.5) * 2.0**-23)


@functools.cache
def cell(kind, rounding="nearest"):
    return as_numbers(FloatingPoint(*kind, rounding))


def program(kind, w):
    return cell(kind).program(Word(0.0), w, 0.0, ()).w


def write(kind, w, dw, rounding="nearest", u=0.5):
    word, hit = cell(kind, rounding).write(Word(w), dw, 0.0, (u,))
    return word.w, hit


@functools.cache
def numbers(kind):
    """Every number of a format from 0 up, in the order of its codes, decoded as the standard says, and full scale over the standard's unit."""
    exponent_bits, mantissa_bits, top = kind
    bias, size = 2 ** (exponent_bits - 1) - 1, 2**mantissa_bits
    codes = 2**exponent_bits * size - (1 if top == "numbers" else size)
    decoded = [
        2.0 ** (max(code // size, 1) - bias) * ((code % size) / size + (1 if code >= size else 0)) for code in range(codes)
    ]  # fmt: skip
    highest = codes // size - (0 if codes % size else 1) - bias
    return np.array(decoded), 2.0 ** (highest + 1)


@pytest.mark.parametrize(
    ("kind", "count", "largest", "smallest_normal", "largest_subnormal", "smallest"),
    [
        (E4M3, 127, 448.0, 2.0**-6, 0.875 * 2.0**-6, 2.0**-9),
        (E5M2, 124, 57344.0, 2.0**-14, 0.75 * 2.0**-14, 2.0**-16),
        (HALF, 31744, 65504.0, 2.0**-14, (1 - 2.0**-10) * 2.0**-14, 2.0**-24),
    ],
)
def test_the_formats_have_the_numbers_of_their_standards(kind, count, largest, smallest_normal, largest_subnormal, smallest):
    """Table 1 of Micikevicius et al. 2022 for the two of 8 bits, IEEE 754 for half precision."""
    known, full = numbers(kind)
    assert len(known) == count and known[-1] == largest
    stored = [program(kind, x / full) * full for x in (1e9, smallest_normal, largest_subnormal, smallest, 0.49 * smallest, -1e9)]
    assert stored == [largest, smallest_normal, largest_subnormal, smallest, 0.0, -largest]


@pytest.mark.parametrize("kind", [E4M3, E5M2, (2, 1, "reserved"), (2, 1, "numbers"), (3, 4, "reserved"), (5, 3, "numbers")])
def test_every_number_is_kept_and_between_two_the_nearer_is_taken_and_of_equals_the_even_code(kind):
    known, full = numbers(kind)
    known = known / full
    for sign in (1.0, -1.0):
        for code, (low, high) in enumerate(zip(known[:-1], known[1:], strict=True)):
            middle, even = 0.5 * (low + high), (low, high)[code % 2]
            assert program(kind, sign * low) == sign * low
            assert program(kind, sign * middle) == sign * even
            assert program(kind, sign * (middle - 1e-3 * (high - low))) == sign * low
            assert program(kind, sign * (middle + 1e-3 * (high - low))) == sign * high
        assert program(kind, sign * known[-1]) == sign * known[-1]


def test_half_precision_is_numpys():
    rng = np.random.default_rng(1)
    x = np.concatenate([rng.uniform(-1, 1, 2000), rng.choice([-1, 1], 4000) * 2.0 ** rng.uniform(-45, 0, 4000)]).astype(np.float32)
    with np.errstate(over="ignore"):
        expected = np.clip((x * np.float32(65536)).astype(np.float16).astype(float), -65504, 65504) / 65536
    assert np.array_equal([program(HALF, float(v)) for v in x], expected)


def test_bfloat16_is_the_upper_half_of_a_float32_rounded_to_even():
    rng = np.random.default_rng(2)
    x = (rng.choice([-1, 1], 4000) * 2.0 ** rng.uniform(-63, -0.01, 4000)).astype(np.float32)
    code = x.view(np.uint32)
    expected = ((code + 0x7FFF + ((code >> 16) & 1)) & 0xFFFF0000).view(np.float32)
    assert np.array_equal([program(BFLOAT16, float(v)) for v in x], np.clip(expected, -1 + 2.0**-8, 1 - 2.0**-8))


def test_below_the_least_exponent_of_bfloat16_that_is_told_apart_the_spacing_stays():
    ulp = 2.0**-71
    assert program(BFLOAT16, 1.4 * ulp) == ulp and program(BFLOAT16, 0.4 * ulp) == 0.0


@pytest.mark.parametrize(
    ("w", "dw", "result"),
    [
        (0.5, 0.03, (0.5, 0.0)),  # E4M3 has an ulp of 1/16 from 1/2 up: less than half of it is swallowed
        (0.5, 0.03125, (0.5, 0.0)),  # a tie: 0.5 has the even mantissa
        (0.5, 0.032, (0.5625, 1.0)),
        (0.5, -0.03, (0.46875, 1.0)),  # below 1/2 the ulp is 1/32
        (0.5, 9.0, (0.875, 1.0)),
        (0.875, 9.0, (0.875, 0.0)),
        (0.25, -9.0, (-0.875, 1.0)),
        (2.0**-18, -(2.0**-18), (0.0, 1.0)),
    ],
)
def test_nearest_writes(w, dw, result):
    assert write(E4M3, w, dw) == result


@pytest.mark.parametrize("w", [0.0, 0.5, -0.5, 2.0**-14, -0.8125])
@pytest.mark.parametrize("share", [0.01, 0.3, -0.5, -0.97])
def test_stochastic_rounding_is_right_on_average(w, share):
    """The other number is hit with probability p: n draws miss its mean by 5 sqrt(p (1 - p) / n) ulp once in two million times."""
    n, ulp = 4000, max(2.0 ** (np.floor(np.log2(abs(w) * (1 - 1e-9 if w * share < 0 else 1)) if w else -99) - 3), 2.0**-18)
    p = abs(share)
    change = np.mean([write(E4M3, w, share * ulp, "stochastic", u)[0] - w for u in np.random.default_rng(3).random(n)]) / ulp
    assert abs(change - share) < 5 * np.sqrt(p * (1 - p) / n)


@given(sampled_from([E4M3, E5M2, HALF, BFLOAT16]), floats(-1, 1), floats(-3, 3), sampled_from(["nearest", "stochastic"]), uniforms)
def test_a_number_stays_in_its_format_and_hit_says_whether_it_changed(kind, w, dw, rounding, u):
    before = program(kind, w)
    after, hit = write(kind, before, dw, rounding, u)
    assert program(kind, after) == after
    assert hit == (after != before)
    assert write(kind, before, 0.0, rounding, u) == (before, 0.0)


@given(sampled_from([E4M3, E5M2, HALF]), floats(-1, 1, width=32), sampled_from(["nearest", "stochastic"]), uniforms)
def test_float32_and_float64_agree_on_what_float32_can_ask(kind, w, rounding, u):
    """A stored number and a change that both fit float32 give one number, up to the rounding of their sum."""
    single = type(cell(kind))(*[np.float32(v) for v in cell(kind, rounding)])
    word, _ = single.write(Word(np.float32(0)), np.float32(w), np.float32(0), (np.float32(u),))
    assert word.w == write(kind, 0.0, w, rounding, float(np.float32(u)))[0]


@pytest.mark.parametrize(("kind", "tolerance"), [(E4M3, 0.15), (E5M2, 0.15), (HALF, 0.01), (BFLOAT16, 0.01)])
@pytest.mark.parametrize("rounding", ["nearest", "stochastic"])
def test_it_keeps_the_contract(kind, tolerance, rounding):
    check_cell(FloatingPoint(*kind, rounding), tolerance)


def test_its_width_is_counted():
    assert [FloatingPoint(*kind).stored_bits for kind in (E4M3, E5M2, HALF, BFLOAT16)] == [8, 8, 16, 16]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"exponent_bits": 0}, r"exponent_bits must be a whole number from 2 to 8 \(bit\), got 0\."),
        ({"mantissa_bits": 0}, r"mantissa_bits must be a whole number from 1 to 13 \(bit\), got 0\."),
        ({"exponent_bits": 8, "mantissa_bits": 8}, r"^FloatingPoint has 1 sign, 8 exponent and 8 mantissa bits, 17 in all; at most 16"),
    ],
)
def test_impossible_widths_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        check(FloatingPoint()._replace(**changes))
