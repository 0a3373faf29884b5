"""Counter-based random numbers: the plain form and the compiled form are one function, and its numbers are as good as random.

A mean of n independent numbers of standard deviation sigma is held to 5 sigma / sqrt(n): wrong once in two million times, and the
numbers are the same in every run.
"""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import integers
from scipy.stats import chi2

from hw_models.scalars import normal
from neurosim import random
from neurosim.jit import compiled


class Here(NamedTuple):
    """A kind of this file: nothing below is kept on disk."""


words, halfwords, keys = integers(0, 2**63 - 1), integers(0, 2**32 - 1), integers(0, 2**64 - 1)


def call_fold(key, word):
    return random.fold(key, word)


def call_halves(key):
    return random.halves(key)


def call_bits(a, b, column, draw):
    return random.bits(a, b, column, draw)


def call_uniform(a, b, column, draw, one):
    return random.uniform(a, b, column, draw, one)


@given(keys, words)
def test_fold_is_the_same_compiled(key, word):
    assert compiled(call_fold, Here)(np.uint64(key), np.int64(word)) == random.fold(key, word)


@given(keys)
def test_halves_are_the_same_compiled_and_make_the_key(key):
    low, high = random.halves(key)
    assert tuple(map(int, compiled(call_halves, Here)(np.uint64(key)))) == (low, high)
    assert low + 2**32 * high == key


@given(halfwords, halfwords, integers(0, 2**31 - 1), integers(0, 100))
def test_bits_are_the_same_compiled(a, b, column, draw):
    assert compiled(call_bits, Here)(np.uint32(a), np.uint32(b), column, draw) == random.bits(a, b, column, draw)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@given(a=halfwords, b=halfwords, column=integers(0, 2**31 - 1), draw=integers(0, 100))
def test_uniform_is_the_same_compiled_and_strictly_between_0_and_1(dtype, a, b, column, draw):
    plain = random.uniform(a, b, column, draw, dtype(1))
    assert compiled(call_uniform, Here)(np.uint32(a), np.uint32(b), column, draw, dtype(1)) == plain
    assert type(plain) is dtype and 0.0 < plain < 1.0
    assert plain == random.uniform(a, b, column, draw, np.float64(1))  # the same number in both types


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("word", "number"), [(0, 2.0**-24), (random.LOW, 1 - 2.0**-24)])
def test_the_smallest_and_the_largest_word_stay_clear_of_0_and_1(monkeypatch, dtype, word, number):
    monkeypatch.setattr(random, "bits", lambda *counters: word)
    assert random.uniform(1, 2, 3, 4, dtype(1)) == number


def test_fold_is_splitmix64():
    """The first outputs for seed 0 of the reference implementation, https://prng.di.unimi.it/splitmix64.c."""
    assert [random.fold(0, k) for k in range(3)] == [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]


def test_streams_are_all_different():
    names = [name for name in vars(random) if name.isupper() and name not in ("LOW", "ALL")]
    assert len(names) > 15 and len({getattr(random, name) for name in names}) == len(names)


# ---------------------------------------------------------------- as good as random

STEPS, ROWS, COLUMNS, DRAWS = 16, 64, 128, 2


def fill_block(root, out):
    for t in range(out.shape[0]):
        key = random.fold(root, t)
        for j in range(out.shape[1]):
            u, v = random.halves(random.fold(key, j))
            for i in range(out.shape[2]):
                for k in range(out.shape[3]):
                    out[t, j, i, k] = random.uniform(u, v, i, k, out[t, j, i, k])


@pytest.fixture(scope="module", params=[0, 1, 2**40])
def block(request):
    """Uniform numbers by (step, row, column, draw), drawn as the loop draws them."""
    out = np.ones((STEPS, ROWS, COLUMNS, DRAWS))
    compiled(fill_block, Here)(np.uint64(random.root(request.param, random.WRITE)), out)
    return out


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_compiled_block_is_what_plain_python_draws(dtype):
    plain, fast = np.ones((2, 3, 9, 2), dtype), np.ones((2, 3, 9, 2), dtype)
    fill_block(random.root(5, random.READ), plain)
    compiled(fill_block, Here)(np.uint64(random.root(5, random.READ)), fast)
    assert np.array_equal(plain, fast)


def test_uniform_numbers_are_uniform(block):
    n, bins = block.size, 256
    assert abs(block.mean() - 0.5) < 5 * np.sqrt(1 / 12 / n)
    assert abs(block.var() - 1 / 12) < 5 * np.sqrt(1 / 180 / n)
    counts = np.bincount((block.ravel() * bins).astype(int), minlength=bins)
    assert ((counts - n / bins) ** 2).sum() / (n / bins) < chi2.ppf(1 - 1e-6, bins - 1)


def test_every_bit_is_a_fair_coin(block):
    whole = np.round(block * 2**23 - 0.5).astype(np.int64)
    for bit in range(23):
        assert abs(((whole >> bit) & 1).mean() - 0.5) < 5 * 0.5 / np.sqrt(block.size)


@pytest.mark.parametrize("axis", range(4), ids=["steps", "rows", "columns", "draws"])
@pytest.mark.parametrize("distance", [1, 2, 7])
def test_neighbours_are_not_correlated(block, axis, distance):
    if axis == 3:
        distance = 1
    x = 12**0.5 * (block - 0.5)
    products = np.take(x, range(distance, x.shape[axis]), axis) * np.take(x, range(x.shape[axis] - distance), axis)
    assert abs(products.mean()) < 5 / np.sqrt(products.size)


def test_rows_diverge_whatever_their_offset(block):
    """A row never runs along another one shifted by some columns."""
    x = 12**0.5 * (block[0, :, :, 0] - 0.5)
    spectrum = np.fft.fft(x)
    for j in range(1, 8):
        shifted = np.fft.ifft(spectrum[j:] * spectrum[:-j].conj()).real / COLUMNS
        assert np.abs(shifted).max() < 6.5 / np.sqrt(COLUMNS)  # some 8,000 correlations: 6.5 sigma


@pytest.mark.parametrize("seed", [0, 12345])
def test_consecutive_keys_give_different_rows(seed):
    out = np.ones((1, 10_000, 4, 1))
    compiled(fill_block, Here)(np.uint64(random.root(seed, random.NOISE)), out)
    assert len(np.unique(out[0, :, :, 0], axis=0)) == 10_000
    assert len(np.unique(out)) > 0.99 * 40_000  # of 2**23 numbers, 40,000 meet about 95 times


def test_another_seed_or_purpose_is_another_sequence():
    keys = {random.root(seed, stream) for seed in range(100) for stream in range(40)}
    assert len(keys) == 4000


@pytest.mark.parametrize("seed", [0, 7])
def test_normal_numbers_are_normal(seed):
    """Mean, variance, skewness and kurtosis have standard errors sqrt(1, 2, 6, 24 over n)."""
    out = np.ones((1, 200, 200, 1))
    compiled(fill_block, Here)(np.uint64(random.root(seed, random.NOISE)), out)
    x = np.array([normal(u) for u in out.ravel()])
    n, z = x.size, (x - x.mean()) / x.std()
    assert abs(x.mean()) < 5 * np.sqrt(1 / n)
    assert abs(x.var() - 1) < 5 * np.sqrt(2 / n)
    assert abs((z**3).mean()) < 5 * np.sqrt(6 / n)
    assert abs((z**4).mean() - 3) < 5 * np.sqrt(24 / n)


def test_a_generator_follows_from_seed_and_stream():
    draw = lambda seed, stream: random.generator(seed, stream).random(4).tolist()  # noqa: E731
    assert draw(1, 2) == draw(1, 2) and len({tuple(draw(s, t)) for s in range(3) for t in range(3)}) == 9
