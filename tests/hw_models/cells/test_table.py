"""A memory made from a table does what the table says.

Of n numbers, the mean is off by sigma / sqrt(n), the standard deviation by sigma / sqrt(2 n); both are held to five times that.
"""

import numpy as np
import pytest

from hw_models import InputError, Table, from_table
from hw_models.chip import Chip
from hw_models.parts import check
from hw_models.testing import as_numbers, check_cell

N = 5_000
RNG = np.random.default_rng(6)
ROWS = "state,mean,spread\n2,2.5,0.25\n4,5,0.5\n10,9.5,1\n"  # in uS: 2 is -1, 10 is +1, 1 uS is a quarter of full scale


@pytest.fixture
def file(tmp_path):
    def write(text):
        path = tmp_path / "measured.csv"
        path.write_text(text)
        return path

    return write


def program(cell, w, n=0.0):
    return cell.program(cell.make(()), w, 0.0, (n,))


@pytest.mark.parametrize(
    ("w", "mean", "spread"),
    [
        (-1.0, -0.875, 0.0625), (-0.5, -0.25, 0.125), (1.0, 0.875, 0.25),  # its rows
        (-0.75, -0.5625, 0.09375), (0.25, 0.3125, 0.1875),  # half way between two of them
    ],
)  # fmt: skip
def test_what_comes_out_has_the_mean_and_spread_of_the_table(file, w, mean, spread):
    cell = from_table(file(ROWS))
    assert program(cell, w).seen == pytest.approx(mean)
    assert program(cell, w, -0.5).seen == pytest.approx(mean - 0.5 * spread)
    if abs(mean) + 5 * spread < 1:  # further out, what leaves -1..1 is cut
        seen = [program(cell, w, n).seen for n in RNG.standard_normal(N)]
        assert abs(np.mean(seen) - mean) < 5 * spread / np.sqrt(N) and abs(np.std(seen) - spread) < 5 * spread / np.sqrt(2 * N)


def test_a_table_of_eight_states_is_kept_whole(file):
    rows = [(k * k, k * k + 0.1 * (-1) ** k, 0.01 * k) for k in range(8)]
    cell = from_table(file("state,mean,spread\n" + "".join(f"{a},{b},{c}\n" for a, b, c in rows)))
    for state, mean, spread in rows:
        w = max(min(state * 2 / 49 - 1, 1.0), -1.0)
        expected = mean * 2 / 49 - 1 + spread * 2 / 49 * 0.5
        assert program(cell, w, 0.5).seen == pytest.approx(max(min(expected, 1.0), -1.0))


def test_what_leaves_the_range_is_cut(file):
    cell = from_table(file(ROWS))
    assert program(cell, 7.0, 100.0).seen == 1.0 and program(cell, -7.0, -100.0).seen == -1.0
    assert program(cell, 7.0).seen == program(cell, 1.0).seen


def test_the_unit_of_the_table_does_not_matter(file):
    micro = from_table(file(ROWS))
    nano = from_table(file("state, mean, spread\n2000,2500,250\n4000,5000,500\n10000,9500,1000\n"))
    assert np.allclose(as_numbers(micro), as_numbers(nano), rtol=0, atol=1e-15)


@pytest.mark.parametrize("dw", [0.0, 0.05, -0.05, 1e-9])
def test_a_change_within_the_deadband_leaves_the_memory_alone(dw):
    s = program(Table(), 0.25, 1.0)
    assert Table(deadband=0.05).write(s, dw, 7.0, (1.0,)) == (s, 0.0)


def test_a_write_places_the_target_plus_the_change_anew():
    """What a write of a tiny change costs is the error of programming the weight from nothing."""
    cell = Table(deadband=0.0)
    assert cell.write(program(cell, 0.25, 2.0), 1e-6, 9.0, (-1.0,)) == (program(cell, 0.250001, -1.0), 1.0)
    full = program(cell, 1.0)
    assert cell.write(full, 0.5, 9.0, (1.0,)) == (full, 0.0)


def test_it_keeps_its_contract(file):
    check_cell(Table())
    check_cell(Table(deadband=0.0))
    check_cell(from_table(file(ROWS)), tolerance=0.26)


def test_a_chip_holds_the_whole_table(file):
    """Written out as a table of a chip's file and built from it again it is the same."""
    chip = Chip().replace(cell=from_table(file(ROWS), deadband=0.1))
    table = chip.to_table()["cell"]
    kind = {name: value for name, value in table.items() if name != "kind"}
    assert table["kind"] == "table" and Table(**kind) == chip.cell


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r'line 1: the first line must be "state,mean,spread", got ""'),
        ("state,sigma\n1,2\n", r'line 1: .* got "state,sigma"'),
        ("state,mean,spread\n1,2\n", r'line 2, "1,2": a line must hold three numbers'),
        ("state,mean,spread\n1,2,0\n2,x,0\n", r'line 3, "2,x,0": a line must hold three numbers'),
        ("state,mean,spread\n1,1,-1\n2,2,0\n", r"line 2, .* the spread at least 0"),
        ("state,mean,spread\n1,nan,1\n2,2,0\n", r"line 2, .* must be finite"),
        ("state,mean,spread\n1,1,0\n1,2,0\n", r"line 3, .* above the one before it, 1\."),
        ("state,mean,spread\n1,1,0\n", r"has 1 states; a table has from 2 to 8"),
        ("state,mean,spread\n" + "".join(f"{k},{k},0\n" for k in range(9)), r"has 9 states; a table has from 2 to 8"),
    ],
)
def test_what_is_not_such_a_table_is_refused_with_its_line(file, text, message):
    with pytest.raises(InputError, match=message):
        from_table(file(text))


def test_a_missing_file_and_impossible_numbers_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"none\.csv cannot be read"):
        from_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match=r"Table\.state_3 is -1, below state_2"):
        check(Table()._replace(state_3=-1.0))
    with pytest.raises(InputError, match="spread_5"):
        check(Table()._replace(spread_5=-0.1))
