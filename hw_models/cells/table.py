"""A memory as somebody measured it: where its states lie and how much they scatter."""

import csv
import itertools
import math
import pathlib
from typing import Annotated, NamedTuple

from hw_models.cells.programmed import Programmed, Target, Waiting, asked
from hw_models.cells.pulsed import named_tuple
from hw_models.parts import Bits, InputError, Range, check
from hw_models.scalars import scalar

ROWS = 8  #: states that a table may have: each number is a field of the part, so that a chip's file holds the whole table
HEADERS = (["state", "mean", "spread"], ["state", "mean", "std"])
Share = Annotated[float, Range("share of full scale")]
Spread = Annotated[float, Range("share of full scale", 0.0)]


class Placed(NamedTuple):
    """One memory: changes that wait, the weight asked for and the one that came out."""

    waiting: Waiting
    target: Target
    seen: Annotated[float, Bits(0)]


@scalar
def share(w, low, high):
    """How far w lies on the way from low to high, from 0 to 1; two rows of one state are one row."""
    return min(max((w - low) / max(high - low, 1e-6), 0.0), 1.0)


@scalar
def mean_of(table, w):
    """Mean weight that comes out where w is asked for."""
    y = table.mean_0
    y = y + (table.mean_1 - table.mean_0) * share(w, table.state_0, table.state_1)
    y = y + (table.mean_2 - table.mean_1) * share(w, table.state_1, table.state_2)
    y = y + (table.mean_3 - table.mean_2) * share(w, table.state_2, table.state_3)
    y = y + (table.mean_4 - table.mean_3) * share(w, table.state_3, table.state_4)
    y = y + (table.mean_5 - table.mean_4) * share(w, table.state_4, table.state_5)
    y = y + (table.mean_6 - table.mean_5) * share(w, table.state_5, table.state_6)
    y = y + (table.mean_7 - table.mean_6) * share(w, table.state_6, table.state_7)
    return y


@scalar
def spread_of(table, w):
    """Standard deviation of the weight that comes out where w is asked for."""
    y = table.spread_0
    y = y + (table.spread_1 - table.spread_0) * share(w, table.state_0, table.state_1)
    y = y + (table.spread_2 - table.spread_1) * share(w, table.state_1, table.state_2)
    y = y + (table.spread_3 - table.spread_2) * share(w, table.state_2, table.state_3)
    y = y + (table.spread_4 - table.spread_3) * share(w, table.state_3, table.state_4)
    y = y + (table.spread_5 - table.spread_4) * share(w, table.state_4, table.state_5)
    y = y + (table.spread_6 - table.spread_5) * share(w, table.state_5, table.state_6)
    y = y + (table.spread_7 - table.spread_6) * share(w, table.state_6, table.state_7)
    return y


@scalar
def placed(table, w, n):
    """The memory after it was programmed for the weight w."""
    return Placed(0.0, w, min(max(mean_of(table, w) + spread_of(table, w) * n, -1.0), 1.0))


@named_tuple
class Table(Programmed):
    """Memory made from a measured table of states: what comes out has the mean and the spread of the state asked for.

    ``seen <- clip(mean(w) + spread(w) n, -1, 1)`` with n standard normal; mean and spread are linear between the 8 states of the table
    and held outside them. The states must not fall; a last row that repeats stands for nothing. `from_table` makes one from a file.

    Every write programs the memory anew: see `hw_models.cells.programmed`.

    Parameters
    ----------
    state_0 : float, share of full scale
        A weight that was asked for.
    state_1 : float, share of full scale
        A weight that was asked for.
    state_2 : float, share of full scale
        A weight that was asked for.
    state_3 : float, share of full scale
        A weight that was asked for.
    state_4 : float, share of full scale
        A weight that was asked for.
    state_5 : float, share of full scale
        A weight that was asked for.
    state_6 : float, share of full scale
        A weight that was asked for.
    state_7 : float, share of full scale
        A weight that was asked for.
    mean_0 : float, share of full scale
        Mean of what came out.
    mean_1 : float, share of full scale
        Mean of what came out.
    mean_2 : float, share of full scale
        Mean of what came out.
    mean_3 : float, share of full scale
        Mean of what came out.
    mean_4 : float, share of full scale
        Mean of what came out.
    mean_5 : float, share of full scale
        Mean of what came out.
    mean_6 : float, share of full scale
        Mean of what came out.
    mean_7 : float, share of full scale
        Mean of what came out.
    spread_0 : float, share of full scale
        Standard deviation of what came out.
    spread_1 : float, share of full scale
        Standard deviation of what came out.
    spread_2 : float, share of full scale
        Standard deviation of what came out.
    spread_3 : float, share of full scale
        Standard deviation of what came out.
    spread_4 : float, share of full scale
        Standard deviation of what came out.
    spread_5 : float, share of full scale
        Standard deviation of what came out.
    spread_6 : float, share of full scale
        Standard deviation of what came out.
    spread_7 : float, share of full scale
        Standard deviation of what came out.
    """

    state_0: Share = -1.0
    state_1: Share = -5.0 / 7.0
    state_2: Share = -3.0 / 7.0
    state_3: Share = -1.0 / 7.0
    state_4: Share = 1.0 / 7.0
    state_5: Share = 3.0 / 7.0
    state_6: Share = 5.0 / 7.0
    state_7: Share = 1.0
    mean_0: Share = -1.0
    mean_1: Share = -5.0 / 7.0
    mean_2: Share = -3.0 / 7.0
    mean_3: Share = -1.0 / 7.0
    mean_4: Share = 1.0 / 7.0
    mean_5: Share = 3.0 / 7.0
    mean_6: Share = 5.0 / 7.0
    mean_7: Share = 1.0
    spread_0: Spread = 0.02
    spread_1: Spread = 0.02
    spread_2: Spread = 0.02
    spread_3: Spread = 0.02
    spread_4: Spread = 0.02
    spread_5: Spread = 0.02
    spread_6: Spread = 0.02
    spread_7: Spread = 0.02

    State = Placed
    draws = {"program": "n", "write": "n"}
    ages = False

    @property
    def most_pulses(self) -> int:
        """That one write takes: there is one device."""
        return 1

    def validate(self):
        states = [getattr(self, f"state_{k}") for k in range(ROWS)]
        for k, (low, high) in enumerate(itertools.pairwise(states)):
            if high < low:
                raise InputError(f"Table.state_{k + 1} is {high:g}, below state_{k}, which is {low:g}; give the states in rising order.")

    def make(self, u):
        return Placed(0.0, 0.0, 0.0)

    def program(self, s, w, now, u):
        return placed(self, min(max(w, -1.0), 1.0), u[0])

    def write(self, s, dw, now, u):
        w, due, waiting = asked(self, s, dw)
        if due:
            return placed(self, w, u[0]), 1.0
        return Placed(waiting, *s[1:]), 0.0

    def read(self, s, u):
        return s.seen


def from_table(path, deadband=0.05) -> Table:
    """The memory that a CSV file describes.

    Parameters
    ----------
    path : path
        A file whose first line is ``state,mean,spread`` (or ``state,mean,std``) and whose next 2 to 8 lines are numbers, states rising,
        in any one unit such as uS: the first state becomes a weight of -1, the last one of +1.
    deadband : float, share of full scale
        As in `Table`.

    Raises
    ------
    InputError
        If there is no such file, or it is not such a table; the line is named.
    """
    rows = rows_of(pathlib.Path(path))
    low, high = rows[0][0], rows[-1][0]
    scale = 2.0 / (high - low)
    rows += [rows[-1]] * (ROWS - len(rows))
    states, means = ([(row[k] - low) * scale - 1.0 for row in rows] for k in (0, 1))
    return check(Table(deadband, "direct", *states, *means, *[row[2] * scale for row in rows]))


def rows_of(path) -> list[tuple[float, float, float]]:
    """State, mean and standard deviation of every line of such a file, in its unit."""
    try:
        lines = list(csv.reader(path.read_text("utf-8").splitlines()))
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    if not lines or [name.strip() for name in lines[0]] not in HEADERS:
        raise InputError(f'{path}, line 1: the first line must be "{",".join(HEADERS[0])}", got "{",".join(lines[0]) if lines else ""}".')
    rows = []
    for number, line in enumerate(lines[1:], 2):
        where = f'{path}, line {number}, "{",".join(line)}"'
        try:
            state, mean, spread = map(float, line)
        except ValueError:
            raise InputError(f"{where}: a line must hold three numbers, {', '.join(HEADERS[0])}.") from None
        if not all(map(math.isfinite, (state, mean, spread))) or spread < 0.0:
            raise InputError(f"{where}: the numbers must be finite and the spread at least 0.")
        if rows and state <= rows[-1][0]:
            raise InputError(f"{where}: a state must lie above the one before it, {rows[-1][0]:g}.")
        rows.append((state, mean, spread))
    if not 2 <= len(rows) <= ROWS:
        raise InputError(f"{path} has {len(rows)} states; a table has from 2 to {ROWS}.")
    return rows
