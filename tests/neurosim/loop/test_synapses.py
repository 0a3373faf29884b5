"""Skipping to the synapses that move: the same distribution as asking each."""

from typing import NamedTuple

import numpy as np
import pytest

from hw_models.cells import FixedPoint, FixedSign, SingleStep
from hw_models.cells.fixed_point import Word
from hw_models.parts import InputError
from hw_models.testing import check_cell
from neurosim import random
from neurosim.cast import lower
from neurosim.jit import compiled, grains
from neurosim.loop.synapses import often, write_some

ONE = np.float32(1)


def many(cell, cells, dw, peak, key, writes, hits, pairs, one):
    """Write a row again and again from 0; how often each column moved, and each together with the next."""
    for k in range(writes):
        cells[0][:] = one - one
        write_some(cell, cells, dw, peak, one, key, k, one)
        for i in range(dw.shape[0]):
            hits[i] += cells[0][i] != 0
            pairs[i] += cells[0][i] != 0 and cells[0][(i + 1) % dw.shape[0]] != 0


def counted(cell, dw, writes, run):
    cell, n = lower(cell, np.float32), len(dw)
    hits, pairs, peak = np.zeros(n), np.zeros(n), np.int32(max(cell.chance(d) for d in dw) * 2**20)
    run(
        cell,
        type(cell).State(*[np.ones(n, np.float32) for _ in type(cell).State._fields]),
        dw,
        peak,
        np.uint64(5),
        writes,
        hits,
        pairs,
        ONE,
    )
    return hits, pairs, peak


@pytest.mark.parametrize("largest", [0.01, 1e-3, 1e-4])
def test_every_column_moves_as_often_as_its_chance_says_and_independently(largest):
    writes, n = 200_000, 64
    p = largest * np.random.default_rng(1).random(n) ** 3
    p[0] = largest
    dw = (p / 128).astype(np.float32)
    dw[1::2] *= -1
    hits, pairs, peak = counted(FixedPoint(8), dw, writes, compiled(many, FixedPoint))
    assert peak < often(FixedPoint(8))  # this is the path that skips
    # five standard errors of a binomial count, of the whole row and of each column; pairs are as rare as chance makes them
    assert abs(hits.sum() - writes * p.sum()) < 5 * np.sqrt(writes * p.sum())
    assert (np.abs(hits - writes * p) < 5 * np.sqrt(writes * p) + 5).all()
    together = writes * (p * np.roll(p, -1)).sum()
    assert abs(pairs.sum() - together) < 5 * np.sqrt(together) + 5


@pytest.mark.parametrize("cell", [FixedPoint(8), SingleStep(8), FixedSign(3)], ids=lambda cell: type(cell).__name__)
@pytest.mark.parametrize("largest", [0.5, 0.01])
def test_plain_and_compiled_skip_to_the_same_cells(cell, largest):
    dw = (largest / 128 * np.random.default_rng(2).standard_normal(40)).astype(np.float32)
    found = [counted(cell, dw, 30, run)[0] for run in (many, compiled(many, type(cell)))]
    assert np.array_equal(*found)
    assert largest < 0.1 or found[0].any()


def test_gaps_are_geometric():
    n, p = 20_000, np.float32(0.01)
    gaps = np.array([random.gap(random.uniform(3, 7, k, 0, ONE), p) for k in range(n)])
    mean, spread = (1 - 0.01) / 0.01, np.sqrt(1 - 0.01) / 0.01
    assert abs(gaps.mean() - mean) < 5 * spread / np.sqrt(n)
    assert abs((gaps == 0).mean() - 0.01) < 5 * np.sqrt(0.01 * 0.99 / n)
    # the variance of the variance of a geometric number is that of its fourth moment: kurtosis 9 + p**2 / (1 - p)
    assert abs(gaps.var() - spread**2) < 5 * spread**2 * np.sqrt(8 / n)


def test_a_chance_that_is_not_a_number_is_certain():
    for p, whole in ((0.25, 2**18), (7.0, 2**20), (np.inf, 2**20), (np.nan, 2**20)):
        assert grains(np.float32(p)) == grains(np.float64(p)) == whole


class Wrong(NamedTuple):
    """A cell whose write does not do what its chance says."""

    State = Word
    draws = {"write": "u"}
    bounded, ages, stored_bits = True, False, 8

    def make(self, u):
        return Word(0.0)

    def program(self, s, w, now, u):
        return Word(w)

    def write(self, s, dw, now, u):
        w = min(max(s.w + (dw if u[0] > 0.5 else 0.0), -1.0), 1.0)
        return Word(w), 1.0 if w != s.w else 0.0

    def chance(self, dw):
        return 0.5 + 0.0 * dw

    def read(self, s, u):
        return s.w


def test_a_chance_that_write_does_not_keep_is_refused():
    with pytest.raises(InputError, match=r"Wrong.chance says 0.5 for a change of .* the loop would skip to the wrong cells"):
        check_cell(Wrong())
