"""A cell fitted to measured pulses: parameters with their confidence, from a CSV file of conductances.

A fit steers the cell's own `write`: there is no second copy of a step model here. What a pulse does, how much its noise adds, and how a
small change of the start is passed on are all asked of the cell, and an extended Kalman filter makes of them the likelihood of the
conductances read (Harvey 1989, "Forecasting, structural time series models and the Kalman filter", doi:10.1017/CBO9781107049994). It
tells noise of the pulses, which stays in the device, from noise of the reads, which does not.
"""

import csv
import math
import pathlib
from typing import Any, NamedTuple

import numpy as np

from hw_models import own
from hw_models.cells import ALL_CELLS, from_table
from hw_models.cells.table import rows_of
from hw_models.parts import InputError, build, fields, nearest
from hw_models.testing import as_numbers

#: What is fitted beside the steps up and down at 0, for each step model that can be fitted.
SHAPES = {
    "constant-step": (),
    "soft-bounds": ("high", "low"),
    "linear-step": ("up_slope", "down_slope"),
    "power-step": ("up_gamma", "down_gamma", "high", "low"),
    "exponential-step": ("up_gamma", "down_gamma", "up_amplitude", "down_amplitude"),
    "piecewise-step": ("up_0", "up_1", "up_3", "up_4", "down_0", "down_1", "down_3", "down_4"),
}
GUESSES = {"high": 1.1, "low": -1.1, "up_slope": 0.5, "down_slope": 0.5, "up_amplitude": -0.5, "down_amplitude": -0.5}
#: What is not fitted and not the cell's default: the scale of an exponent and the middle of a table are units, the rest has no data.
FIXED = {"high": 1.0, "low": -1.0, "a": -1.0, "b": 0.0, "up_2": 1.0, "down_2": 1.0, "asymmetry": 0.0}
NOTHING = {"cycle_noise", "write_noise", "stuck", "leak", "diffusion"}
COLUMNS = ("pulse", "direction", "conductance")
DIRECTIONS = {"up": 1.0, "+1": 1.0, "1": 1.0, "down": -1.0, "-1": -1.0}
_STEPS = ("The step up", "The step down")
EXACT = 1e-16  #: a variance below this is that of rounding


class Trace(NamedTuple):
    """One device in one cycle: the conductances read, as weights, and the pulses before each of them but the first."""

    device: str
    cycle: str
    pulse: np.ndarray
    w: np.ndarray
    count: np.ndarray  #: pulses since the read before
    sign: np.ndarray  #: their direction, +1 or -1


class Estimate(NamedTuple):
    """One number of a cell with its confidence; an error of None could not be had, and a note says why."""

    value: float
    error: float | None  #: standard error
    low: float | None  #: 95 % interval
    high: float | None


class Course(NamedTuple):
    """One trace against the fit."""

    trace: Trace
    fitted: np.ndarray  #: the device's fitted course from its first read on, unaware of all others
    residual: np.ndarray  #: each further read less what the reads before it let expect


class Fit(NamedTuple):
    """A cell fitted to measurements.

    Parameters
    ----------
    kind : str
        Its name among the cells.
    cell : part
        The cell, in shares of full scale.
    estimates : dict of str to Estimate
        Its fitted numbers with their confidence.
    read_noise : float, share of full scale
        Standard deviation of one read, the instrument's included; no number of the cell.
    aicc : dict of str to float
        Akaike's criterion, corrected for few points, of each step model fitted, lowest first.
    full_scale : pair of float
        What weights of -1 and of +1 stand for, in the unit of the file: siemens for pulses.
    points : int
        Numbers that the fit saw.
    devices : int
        Devices.
    source : str
        The file's name.
    sha256 : str
        The file's digest.
    notes : tuple of str
        What was assumed or could not be had.
    courses : tuple of Course
        What was measured beside what was fitted.
    """

    kind: str
    cell: Any
    estimates: dict[str, Estimate]
    read_noise: float
    aicc: dict[str, float]
    full_scale: tuple[float, float]
    points: int
    devices: int
    source: str
    sha256: str
    notes: tuple[str, ...] = ()
    courses: tuple[Course, ...] = ()

    def to_table(self) -> dict[str, Any]:
        """The chip whose cell this is, as a TOML table; all else on it is ideal."""
        low, high = self.full_scale
        said = f"derived: fitted to {self.source} (SHA-256 {self.sha256}), {self.points} points"
        said += f", {self.devices} device{'s' if self.devices > 1 else ''}; -1 is {low:.6g}, +1 is {high:.6g}"
        said += "" if self.kind == "table" else " S"
        table = {"kind": self.kind, **self.cell._asdict()}
        return {"summary": f"A {self.kind} cell fitted to {self.source}.", "cell": table, "sources": {"cell": said}}

    def to_report(self) -> dict[str, Any]:
        """All that the fit found, for a JSON file."""
        report = {name: value for name, value in self._asdict().items() if name not in ("cell", "courses", "estimates")}
        return {**report, "estimates": {name: e._asdict() for name, e in self.estimates.items()}, "cell": self.cell._asdict()}


def fit(path, cell: str | None = None, full_scale: tuple[float, float] | None = None) -> Fit:
    """The pulsed cell that a CSV file of measured pulses describes.

    A conductance G becomes the weight ``w = 2 (G - low) / (high - low) - 1``. Every device is fitted on its own, to the greatest
    likelihood; with several, the cell has their mean and, as spreads, their standard deviation less what the fits' own errors
    contribute. Standard errors are those of the expected information, with several devices those of their mean.

    Parameters
    ----------
    path : path
        A file with the columns ``pulse`` (a whole number), ``direction`` (up, down, +1 or -1) and ``conductance`` (S), and perhaps
        ``device`` and ``cycle``: one line a read. Its pulse is the number of pulses given so far in this cycle, its direction that of
        the pulses since the line before, which for the first line of a cycle counts for nothing.
    cell : str, optional
        A step model of `SHAPES`; all of them if none is given, and the one of the lowest corrected Akaike criterion is returned.
    full_scale : pair of float, S
        Conductances of the weights -1 and +1; the smallest and largest measured if not given.

    Raises
    ------
    InputError
        If the file is not such a file, says too little for the model, or no such model exists.
    """
    if cell is not None and cell not in SHAPES:
        raise InputError(f'Cell "{cell}" cannot be fitted to pulses; {nearest(cell, SHAPES)}')
    path = pathlib.Path(path)
    traces, scale = _traces(path, full_scale)
    devices: dict[str, list[Trace]] = {}
    for trace in traces:
        devices.setdefault(trace.device, []).append(trace)
    kinds = _enough(path, [cell] if cell else list(SHAPES), devices, len(traces) > 1)
    fits = {kind: [_Device(kind, of, len(traces) > 1) for of in devices.values()] for kind in kinds}
    aicc = {kind: _aicc(of) for kind, of in fits.items()}
    # rounded, so that of two models that say the same the one named first is taken: soft bounds are linear steps too
    aicc = dict(sorted(aicc.items(), key=lambda item: round(item[1], 2)))
    best = next(iter(aicc))
    values, notes = _combined(fits[best])
    if full_scale is None:
        notes.insert(0, "Full scale is the smallest and the largest conductance in the file.")
    if max(map(abs, scale)) > 0.1:
        notes.append(
            f"A full scale of {scale[0]:g} to {scale[1]:g} S is beyond any memory device; conductances are in siemens (1 uS is 1e-6)."
        )
    if cell is None and len(kinds) < len(SHAPES):
        notes.append(f"Not tried, for want of points: {', '.join(kind for kind in SHAPES if kind not in kinds)}.")
    table = {**_still(best), **{name: e.value for name, e in values.items()}}
    made = build(ALL_CELLS[best], table, "the fitted cell")
    variance = float(np.mean([device.variance for device in fits[best]]))
    courses = tuple(course for device in fits[best] for course in device.courses())
    points = sum(len(trace.w) for trace in traces)
    found = (best, made, values, math.sqrt(variance), aicc, scale, points, len(devices), path.name, own.digest(path))
    return Fit(*found, tuple(notes), courses)


def tabulate(path, deadband: float = 0.05) -> Fit:
    """The cell that a CSV table of states describes, see `from_table`, as a record like that of a fit."""
    path = pathlib.Path(path)
    cell, states = from_table(path, deadband), [row[0] for row in rows_of(path)]
    notes = ("The deadband is no figure of the table.",)
    return Fit("table", cell, {}, 0.0, {}, (states[0], states[-1]), len(states), 1, path.name, own.digest(path), notes)


# ---------------------------------------------------------------- what was measured


def _traces(path, full_scale) -> tuple[list[Trace], tuple[float, float]]:
    rows = _rows(path)
    seen = [row[4] for row in rows]
    low, high = full_scale or (min(seen), max(seen))
    if not (math.isfinite(low) and math.isfinite(high) and low < high):
        raise InputError(f"{path}: full scale must go from a smaller to a larger conductance, got {low:g} to {high:g} S.")
    if max(seen) < low or min(seen) > high:
        raise InputError(
            f"{path}: all conductances lie between {min(seen):g} and {max(seen):g} S, outside of the full scale, {low:g} to {high:g} S; give both in "
            "siemens (1 uS is 1e-6)."
        )
    groups: dict[tuple[str, str], list[tuple]] = {}
    for row in rows:
        groups.setdefault((row[0], row[1]), []).append(row)
    traces = []
    for (device, cycle), of in groups.items():
        for before, row in zip(of, of[1:], strict=False):
            if row[2] <= before[2]:
                raise InputError(
                    f"{path}, line {row[5]}: pulse {row[2]:.0f} does not come after pulse {before[2]:.0f}; count on through a cycle,"
                    " and tell several cycles or devices by the columns cycle and device."
                )
        pulse, w = np.array([row[2] for row in of]), np.array([2.0 * (row[4] - low) / (high - low) - 1.0 for row in of])
        traces.append(Trace(device, cycle, pulse, w, np.diff(pulse).astype(int), np.array([row[3] for row in of[1:]])))
    return traces, (low, high)


def _rows(path) -> list[tuple[str, str, float, float, float, int]]:
    """Device, cycle, pulse, direction, conductance and line of every line."""
    try:
        lines = list(csv.reader(path.read_text("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} cannot be read: {error}.") from None
    names = [name.strip() for name in lines[0]] if lines else []
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise InputError(f"{path} has no column {' and no column '.join(missing)}; found: {', '.join(names) or 'nothing'}.")
    rows = []
    for number, line in enumerate(lines[1:], 2):
        if not line:
            continue
        where = f'{path}, line {number}, "{",".join(line)}"'
        if len(line) != len(names):
            raise InputError(f"{where}: {len(line)} values for {len(names)} columns; give every column one.")
        row = {name: text.strip() for name, text in zip(names, line, strict=True)}
        if row["direction"].lower() not in DIRECTIONS:
            raise InputError(f'{where}: direction must be up, down, +1 or -1, got "{row["direction"]}".')
        try:
            pulse, conductance = float(row["pulse"]), float(row["conductance"])
        except ValueError:
            raise InputError(f"{where}: pulse and conductance must be numbers.") from None
        if not math.isfinite(conductance) or conductance < 0.0 or not math.isfinite(pulse) or pulse != math.floor(pulse):
            raise InputError(f"{where}: the pulse must be a whole number and the conductance a finite one of at least 0 S.")
        rows.append((row.get("device", ""), row.get("cycle", ""), pulse, DIRECTIONS[row["direction"].lower()], conductance, number))
    if len({row[4] for row in rows}) < 2:
        raise InputError(f"{path} has no two different conductances; there is nothing to fit.")
    return rows


def _enough(path, kinds, devices, noisy) -> list[str]:
    """The models that every device has pulses enough for."""
    for name, traces in devices.items():
        who = f'device "{name}"' if name else "it"
        for sign, word in ((1.0, "up"), (-1.0, "down")):
            if not any((trace.sign == sign).any() for trace in traces):
                raise InputError(f"{path}: {who} has no pulses {word} after the first line of a cycle; a fit takes both directions.")
    fewest = min(sum(len(trace.count) for trace in traces) for traces in devices.values())
    enough = [kind for kind in kinds if fewest > 4 + len(SHAPES[kind]) + noisy]  # one more than AICc divides by
    if not enough:
        least = min(kinds, key=lambda kind: len(SHAPES[kind]))
        raise InputError(
            f"{path} has {fewest} reads after pulses {'of one device ' if len(devices) > 1 else ''}where {least} takes at least"
            f" {5 + len(SHAPES[least]) + noisy}; measure more pulses, or choose a cell of fewer parameters."
        )
    return enough


# ---------------------------------------------------------------- one device


def _still(kind) -> dict[str, Any]:
    """The kind's numbers before anything is fitted: no spread, no noise, a range of -1..1."""
    still = {name: 0.0 for name in ALL_CELLS[kind]._fields if name.endswith("_spread") or name in NOTHING}
    return {**ALL_CELLS[kind]._field_defaults, **still, **{name: v for name, v in FIXED.items() if name in ALL_CELLS[kind]._fields}}


def _steps(up, down) -> tuple[float, float]:
    """Step and asymmetry of a device that pulses move by up and by down."""
    return (up, 1.0 - down / up) if up >= down else (down, up / down - 1.0)


def _slopes(up, down) -> np.ndarray:
    """How these two change with up and with down."""
    return np.array([[1.0, 0.0], [down / up**2, -1.0 / up]] if up >= down else [[0.0, 1.0], [1.0 / down, -up / down**2]])


class _Device:
    """The likeliest step model of one device: steps up and down, shape, and noise of pulses over noise of reads, if asked for."""

    def __init__(self, kind, traces, noisy):
        from scipy.optimize import least_squares  # here, so that a chip loads without it

        self.kind, self.traces, self.noisy = kind, traces, noisy
        ranges = fields(ALL_CELLS[kind])
        step = {sign: self._typical(sign) for sign in (1.0, -1.0)}
        start = [step[1.0], step[-1.0], *(GUESSES.get(name, 1.0) for name in SHAPES[kind])]
        low = [1e-6, 1e-6, *(ranges[name].range.low for name in SHAPES[kind])]
        high = [1.0, 1.0, *(ranges[name].range.high for name in SHAPES[kind])]
        if noisy:
            unit = math.log(1.0 / (step[1.0] + step[-1.0]))
            start, low, high = [*start, unit], [*low, unit - 7.0], [*high, unit + 9.0]
        self.low, self.high = np.array(low), np.array(high)
        solved = least_squares(
            self._standardised, start, bounds=(low, high), x_scale="jac", ftol=1e-10, xtol=1e-10, gtol=1e-10, max_nfev=200
        )
        self.theta, self.converged = solved.x, solved.success
        v, s = self._innovations(self.theta)
        self.points = len(v)
        self.variance = float(np.mean(v * v / s))
        self.aic_terms = self.points * (math.log(2.0 * math.pi * max(self.variance, EXACT)) + 1.0) + float(np.log(s).sum())
        self.covariance, self.edge = self._covariance(v, s)

    def _typical(self, sign) -> float:
        moved = np.concatenate([sign * np.diff(t.w)[t.sign == sign] / t.count[t.sign == sign] for t in self.traces])
        return float(np.clip(moved.mean(), 1e-4, 0.5))

    def _cell(self, theta, **changes):
        step, asymmetry = _steps(theta[0], theta[1])
        shape = dict(zip(SHAPES[self.kind], map(float, theta[2:]), strict=False))
        return ALL_CELLS[self.kind](**{**_still(self.kind), "step": float(step), "asymmetry": float(asymmetry), **shape, **changes})

    def _innovations(self, theta):
        """What each read differs by from what was expected of it, and that difference's variance in units of a read's."""
        quiet, ratio = _mover(self._cell(theta)), math.exp(theta[-1]) if self.noisy else 0.0
        loud = _mover(self._cell(theta, cycle_noise=1.0))
        found = []
        for trace in self.traces:
            m, p = float(trace.w[0]), 1.0
            for w, count, sign in zip(trace.w[1:].tolist(), trace.count.tolist(), trace.sign.tolist(), strict=True):
                for _ in range(count):
                    h = -1e-5 if m > 0.0 else 1e-5
                    moved = quiet(m, sign, 0.0)
                    slope = (quiet(m + h, sign, 0.0) - moved) / h
                    # noise that holds a pulse back: a bound in front does not cut it
                    noise = ratio * (moved - loud(m, sign, -1.0)) if self.noisy else 0.0
                    m, p = moved, slope * slope * p + noise * noise
                v, s = w - m, p + 1.0
                found.append((v, s))
                m, p = m + p / s * v, p / s
        v, s = np.array(found).T
        return v, s

    def _standardised(self, theta):
        """Numbers whose sum of squares is least where the likelihood is greatest."""
        v, s = self._innovations(theta)
        return v / np.sqrt(s) * math.exp(0.5 * np.log(s).mean())

    def _covariance(self, v, s):
        """Inverse of the expected information about all parameters and the logarithm of a read's variance; which lie at an edge."""
        gradients = []
        for k, x in enumerate(self.theta):
            h = 1e-5 * max(abs(x), 1e-2) * (1.0 if x < 0.5 * (self.low[k] + self.high[k]) else -1.0)
            there = self.theta.copy()
            there[k] += h
            vk, sk = self._innovations(there)
            gradients.append(((vk - v) / h, (np.log(sk) - np.log(s)) / h))
        gradients.append((np.zeros_like(v), np.ones_like(s)))
        of_mean = np.array([g[0] for g in gradients]) / np.sqrt(s * max(self.variance, EXACT))
        of_variance = np.array([g[1] for g in gradients])
        information = of_mean @ of_mean.T + 0.5 * of_variance @ of_variance.T
        span = self.high - self.low
        edge = np.append((self.theta - self.low < 1e-6 * span) | (self.high - self.theta < 1e-6 * span), False)
        free = np.flatnonzero(~edge & (np.diag(information) > 0.0))
        covariance = np.full(information.shape, np.nan)
        covariance[np.ix_(free, free)] = np.linalg.pinv(information[np.ix_(free, free)], hermitian=True)
        return covariance, edge

    @property
    def cycle_noise(self) -> tuple[float, float]:
        """Noise of a pulse in steps and its standard error."""
        if not self.noisy or (self.edge[-2] and self.theta[-1] < self.high[-1] - 1.0):
            return 0.0, math.nan
        c = math.exp(self.theta[-1]) * math.sqrt(self.variance)
        weights = np.array([0.0 if self.edge[-2] else 1.0, 0.5])  # log c = log ratio + log(variance) / 2
        return c, c * math.sqrt(_variance(weights, self.covariance[-2:, -2:]))

    def courses(self):
        """Each trace against the course of the fitted device."""
        move, (v, _) = _mover(self._cell(self.theta)), self._innovations(self.theta)
        for trace in self.traces:
            course = [float(trace.w[0])]
            for count, sign in zip(trace.count.tolist(), trace.sign.tolist(), strict=True):
                w = course[-1]
                for _ in range(count):
                    w = move(w, sign, 0.0)
                course.append(w)
            residual, v = v[: len(trace.count)], v[len(trace.count) :]
            yield Course(trace, np.array(course), residual)


def _mover(cell):
    """What one pulse makes of a weight, given its direction and its normal number."""
    cell = as_numbers(cell)
    draws = {method: (0.0,) * len(cell.draws.get(method, "")) for method in ("make", "program", "read")}
    more, fresh = (0.0,) * (len(cell.draws["write"]) - 2), cell.make(draws["make"])

    def move(w, sign, normal):
        placed = cell.program(fresh, w, 0.0, draws["program"])
        written, _ = cell.write(placed, sign * cell.step, 0.0, (0.5, normal, *more))  # 0.5 rounds to one pulse
        return cell.read(written, draws["read"])

    return move


# ---------------------------------------------------------------- all devices together


def _aicc(fits) -> float:
    n, k = sum(f.points for f in fits), sum(len(f.theta) + 1 for f in fits)  # and the variance of a read
    return sum(f.aic_terms for f in fits) + 2.0 * k + 2.0 * k * (k + 1) / (n - k - 1)


def _combined(fits) -> tuple[dict[str, Estimate], list[str]]:
    """The numbers of a cell from those of its devices, and what is to be said about them."""
    kind, n = fits[0].kind, len(fits)
    names = ("step", "asymmetry", *SHAPES[kind])
    size = len(names)
    thetas = np.array([f.theta[:size] for f in fits])
    stacked = np.ma.masked_invalid([f.covariance[:size, :size] for f in fits])  # of a number at its edge nothing is known
    own_covariance = stacked.mean(0).filled(np.nan)
    mean = thetas.mean(0)
    covariance = np.cov(thetas.T, ddof=1) / n if n > 1 else own_covariance
    to_fields = np.eye(size)
    to_fields[:2, :2] = _slopes(*mean[:2])
    errors = [math.sqrt(_variance(row, covariance)) for row in to_fields]
    values = [*_steps(*mean[:2]), *mean[2:]]
    freedom = n - 1 if n > 1 else fits[0].points - len(fits[0].theta) - 1
    found = {name: _estimate(value, error, freedom) for name, value, error in zip(names, values, errors, strict=True)}

    edges = [*_STEPS, *SHAPES[kind], *(["cycle_noise"] if fits[0].noisy else [])]
    notes = [f"{name} lies at the edge of its range." for k, name in enumerate(edges) if any(f.edge[k] for f in fits)]
    if not all(f.converged for f in fits):
        notes.append(
            "The search for the best fit was ended before it had settled, so that no errors are given; more pulses or a cell of fewer parameters may help."
        )
    if n > 1:
        spreads = _spreads(kind, names, thetas, own_covariance, found)
        notes += [f"{name} is no larger than the fits' own errors." for name, e in spreads.items() if e.value == 0.0]
        found |= spreads
    else:
        notes.append("One device: the spread from device to device is left at 0.")
    if fits[0].noisy:
        noise = np.array([f.cycle_noise for f in fits])
        error = float(np.sqrt((noise[:, 1] ** 2).sum()) / n)
        found["cycle_noise"] = _estimate(noise[:, 0].mean(), error, sum(f.points for f in fits), least=0.0)
    else:
        notes.append(
            "One cycle: the noise of pulses is left at 0, and all scatter is taken for noise of reads; errors are too small if it is not."
        )
    if not all(f.converged for f in fits):
        found = {name: Estimate(e.value, None, None, None) for name, e in found.items()}
    if "a" in ALL_CELLS[kind]._fields:
        notes.append("The scale of the exponent is its unit: a = -1, b = 0.")
    if "high" not in SHAPES[kind]:
        notes.append("The bounds are those of full scale; they are not fitted.")
    return found, notes


def _spreads(kind, names, thetas, own_covariance, found) -> dict[str, Estimate]:
    """Standard deviations from device to device, as the cell has them."""
    n, step = len(thetas), found["step"].value
    weights = np.eye(len(names))
    common, opposed = (weights[0] + weights[1]) / (2.0 * step), (weights[0] - weights[1]) / (2.0 * step)
    asked = {"step_spread": [common], "asymmetry_spread": [opposed]}
    for name in ("high", "low"):
        if name in names:
            asked[f"{name}_spread"] = [weights[names.index(name)] / found[name].value]
    if "up_slope" in names:
        asked["slope_spread"] = [weights[names.index(name)] for name in ("up_slope", "down_slope")]
    spreads = {}
    for name, of in asked.items():
        total = float(np.mean([np.var(thetas @ weight, ddof=1) for weight in of]))
        error = float(np.mean([_variance(weight, own_covariance) for weight in of]))
        spread = math.sqrt(max(total - (error if math.isfinite(error) else 0.0), 0.0))
        uncertain = total * math.sqrt(2.0 / ((n - 1) * len(of))) / (2.0 * spread) if spread else math.nan
        spreads[name] = _estimate(spread, uncertain, n - 1, least=0.0)
    return spreads


def _variance(weights, covariance) -> float:
    """Variance of a weighted sum; a number whose weight is nothing may be of unknown variance."""
    on = weights != 0.0
    return float(weights[on] @ covariance[np.ix_(on, on)] @ weights[on])


def _estimate(value, error, freedom, least=-math.inf) -> Estimate:
    from scipy.stats import t

    if not math.isfinite(error):
        return Estimate(float(value), None, None, None)
    half = float(t.ppf(0.975, freedom)) * float(error)
    return Estimate(float(value), float(error), max(float(value) - half, least), float(value) + half)
