"""check_cell and check_noise pass what keeps the contract and name what does not."""

from typing import Annotated, NamedTuple

import numpy as np
import pytest

from hw_models import ALL_CELLS, Analog, Bits, FixedPoint, Gaussian, InputError, Nothing
from hw_models.cells.ideal import Stored
from hw_models.testing import check_cell, check_noise

assert ALL_CELLS


@pytest.mark.parametrize("cell", [*[kind() for kind in ALL_CELLS.values()], FixedPoint(16, "nearest"), Analog(0.0, 0.0, 0.0)], ids=str)
def test_built_in_cells_keep_their_contract(cell):
    check_cell(cell)


def test_a_cell_of_few_levels_keeps_it_to_a_tolerance():
    check_cell(FixedPoint(1), tolerance=1.0)
    with pytest.raises(InputError, match=r"fixed_point\.py:\d+: FixedPoint\.program was asked for .*off\.$"):
        check_cell(FixedPoint(1))


class Mine(NamedTuple):
    """A cell of one's own; each test below breaks one thing of it."""

    State = Stored
    draws = {"write": "n"}
    bounded = True
    ages = False
    swallows = False
    stored_bits = 0

    def make(self, u):
        return Stored(0.0)

    def program(self, s, w, now, u):
        return Stored(min(max(w, -1.0), 1.0))

    def write(self, s, dw, now, u):
        return Stored(min(max(s.w + dw * (1.0 + 0.1 * u[0]), -1.0), 1.0)), 1.0

    def read(self, s, u):
        return s.w


def broken(**changes):
    """The cell with some attributes replaced (None: removed)."""
    space = {key: value for key, value in {**vars(Mine), **changes}.items() if value is not None and not key.startswith("_")}
    return type("Mine", (tuple,), {**space, "_fields": (), "__annotations__": {}, "_asdict": lambda self: {}})()


class Unmeasured(NamedTuple):
    w: float


class Pair(NamedTuple):
    w: Annotated[float, Bits(8)]
    gain: Annotated[float, Bits(8)]


def test_a_cell_of_ones_own_keeps_the_contract():
    check_cell(Mine())
    check_cell(broken())
    check_cell(broken(read=lambda self, s, u: s.w + 0.05 * u[0], draws={"write": "n", "read": "n"}))
    check_cell(broken(ages=True, age=lambda self, s, then, now, u: Stored(s.w * 0.99)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"read": None}, r"Mine has no method read\(s, u\), which every Cell needs; "),
        ({"read": lambda self, s: s.w}, r"test_testing\.py:\d+: Mine\.read takes \(s\), but every Cell takes \(s, u\)\."),
        ({"read": 3}, r"Mine\.read must be a plain method, got int\."),
        ({"State": None}, r"Mine\.State must be a NamedTuple class \(Nothing if there is nothing to keep\), got None\."),
        ({"State": Unmeasured}, r"Unmeasured\.w does not state its width"),
        ({"draws": None}, r'Mine\.draws must be a dictionary such as \{"write": "u"\}'),
        ({"draws": {"wirte": "u"}}, r'Mine\.draws names "wirte", which receives no random numbers; did you mean "write"\?'),
        ({"draws": {"write": 1}}, r'Mine\.draws\["write"\] must be letters "u" .* got 1\.'),
        ({"draws": {"write": "g"}}, r"got 'g'\."),
        ({"bounded": None}, r"Mine\.bounded must be True or False, got None\."),
        ({"swallows": 0}, r"Mine\.swallows must be True or False, got 0\."),
        ({"stored_bits": None}, r"Mine\.stored_bits must be the bits of memory that one cell takes \(0 or more\), got None\."),
        ({"ages": True}, r"must have both a method age and ages = True, or neither"),
        ({"age": lambda self, s, then, now, u: s}, r"must have both a method age and ages = True, or neither"),
        ({"ages": True, "age": lambda self, s, then, now, u: Stored(s.w * now / then)}, r"Mine\.age returned .*inf\)? as \.w"),
        ({"make": lambda self, u: 0.0}, r"Mine\.make must return a Stored, which the class names as State, got 0\.0\."),
        ({"program": lambda self, s, w, now, u: Pair(w, 1.0)}, r"Mine\.program must return a Stored, .* got Pair\("),
        ({"program": lambda self, s, w, now, u: Stored(0.5 * w)}, r"Mine\.program was asked for -1, but 200 cells read -0\.5"),
        ({"program": lambda self, s, w, now, u: Stored(1.05 * w)}, r"Mine\.program left -1\.\.1 \(a cell reads -1\.05\)"),
        ({"write": lambda self, s, dw, now, u: Stored(s.w + dw)}, r"Mine\.write must return a State and a number, got Stored\("),
        ({"write": lambda self, s, dw, now, u: (Stored(s.w + dw), -1.0)}, r"Mine\.write must return hit, .* got -1\.0"),
        ({"write": lambda self, s, dw, now, u: (Stored(s.w + dw), 1.0)}, r"Mine\.write left -1\.\.1 \(a cell reads .*bounded = True\."),
        ({"write": lambda self, s, dw, now, u: (Stored(s.w / dw), 1.0)}, r"Mine\.write returned np\.float64\(-?inf\)|on average"),
        ({"write": lambda self, s, dw, now, u: (Stored(-s.w), 0.0)}, r"Mine\.write says hit = 0, .* but Stored"),
        ({"write": lambda self, s, dw, now, u: (s, 0.0)}, r"Mine\.write was asked for a change of \+1 at -1, but 200 cells changed by 0 "),
        ({"read": lambda self, s, u: np.nan}, r"Mine\.read returned nan; it must be a finite number"),
        ({"read": lambda self, s, u: "1"}, r"Mine\.read returned '1'; it must be a finite number"),
    ],
)  # fmt: skip
def test_a_broken_cell_is_refused_by_method(changes, message):
    with pytest.raises(InputError, match=message):
        check_cell(broken(**changes))


def clipped(w):
    return Stored(min(max(w, -1.0), 1.0))


def test_a_write_that_drifts_is_refused():
    with pytest.raises(InputError, match=r"Mine\.write changed the weight by 0\.0\d+ on average although none was asked for"):
        check_cell(broken(write=lambda self, s, dw, now, u: (clipped(s.w + dw + 0.02 + 0.01 * u[0]), 1.0)))


def test_a_write_that_only_jitters_is_not():
    check_cell(broken(write=lambda self, s, dw, now, u: (clipped(s.w + dw + 0.01 * u[0]), 1.0)))


def test_a_swallowed_change_is_refused_where_none_is_ever_lost():
    write = lambda self, s, dw, now, u: (clipped(s.w + dw), 1.0) if abs(dw) > 0.01 else (s, 0.0)  # noqa: E731
    check_cell(broken(write=write, swallows=True))
    with pytest.raises(InputError, match=r"Mine\.write says hit = 1 though no change was asked for"):
        check_cell(broken(swallows=True))
    with pytest.raises(InputError, match=r"Mine\.write swallowed a change of 0\.0001 although the class says swallows = False"):
        check_cell(broken(write=write))


def test_a_class_in_place_of_a_part_is_refused():
    with pytest.raises(InputError, match=r"FixedPoint is a class; give a part with its numbers, such as FixedPoint\(\)\."):
        check_cell(FixedPoint)


def test_numbers_out_of_range_are_refused():
    with pytest.raises(InputError, match=r"^FixedPoint\.bits must be a whole number from 1 to 16"):
        check_cell(FixedPoint(99))


class Level(NamedTuple):
    x: float


class Telegraph(NamedTuple):
    """Two levels; each step jumps with probability ``rate``: strongly correlated in time."""

    sigma: float = 0.3
    rate: float = 0.05
    start: float = 0.5  #: probability of the upper level at the beginning
    size: float = 0.3

    State = Level
    draws = {"make": "u", "next": "u"}

    def make(self, u):
        return Level(self.size if u[0] < self.start else -self.size)

    def next(self, s, u):
        x = -s.x if u[0] < self.rate else s.x
        return Level(x), x


def test_a_source_with_memory_is_judged_by_independent_copies():
    check_noise(Telegraph())


class Nameless(NamedTuple):
    size: float = 0.1
    State = Nothing
    draws = {"next": "n"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.size * u[0]


class Broad(NamedTuple):
    sigma: float = 0.1
    State = Nothing
    draws = {"next": "n"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, 1.1 * self.sigma * u[0]


@pytest.mark.parametrize(
    ("noise", "message"),
    [
        (
            Telegraph(size=0.31),
            r"test_testing\.py:\d+: Telegraph\.next has standard deviation 0\.31 over 20000 numbers, but sigma says 0\.3 \(bound ",
        ),
        (Telegraph(start=0.9), r"Telegraph\.next has mean 0\.\d+ over 20000 numbers, more than 0\.\d+ from zero\."),
        (Telegraph(sigma=0.0), r"Telegraph needs a field sigma, its standard deviation, above 0; got 0\.0\."),
        (Nameless(), r"Nameless needs a field sigma, its standard deviation, above 0; got None\."),
        (Broad(), r"Broad\.next has standard deviation 0\.1\d* over 20000 numbers, but sigma says 0\.1 \(bound 0\.00"),
        (Gaussian, r"Gaussian is a class"),
    ],
)
def test_a_broken_noise_source_is_refused(noise, message):
    with pytest.raises(InputError, match=message):
        check_noise(noise)
