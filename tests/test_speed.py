"""Exchangeable parts must not cost speed: a cell within 1.3 times of a kernel written by hand for the same work, N = 1000."""

import importlib.util
import pathlib
import sys

import pytest

BENCHMARKS = pathlib.Path(__file__).parent.parent / "benchmarks"
LIMIT, TRIES = 1.3, 10


@pytest.fixture(scope="module")
def cells():
    sys.path.insert(0, str(BENCHMARKS))
    try:
        spec = importlib.util.spec_from_file_location("cells", BENCHMARKS / "cells.py")
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        yield module
    finally:
        sys.path.remove(str(BENCHMARKS))


@pytest.mark.parametrize("name", ["ideal", "fixed-point", "analog"])
def test_a_cell_is_as_fast_as_by_hand(cells, name):
    # both kernels run in turn in one process and the best of many turns counts; a disturbed machine gets more tries, never a softer limit
    best = None
    for _ in range(TRIES):
        found = cells.compare(name, size=1000, turns=10)
        best = min((best or found, found), key=lambda result: result["ratio"])
        if best["ratio"] <= LIMIT:
            break
    assert best["ratio"] <= LIMIT, f"{name}: {best['parts_us']:.0f} us through parts, {best['by_hand_us']:.0f} us by hand"
