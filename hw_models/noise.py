"""Sources of the perturbation that learning correlates with reward."""

import pathlib
from typing import Annotated, Any, NamedTuple

import numpy as np

from hw_models.parts import Bits, InputError, Range
from hw_models.protocols import Nothing
from hw_models.scalars import scalar

Sigma = Annotated[float, Range("unit of the neuron's current", 0.0, open_low=True)]
Dwell = Annotated[float, Range("step", 1e-3, 1e5)]  # beyond, a chance per step is only a few steps of a 23-bit random number

MEAN_BYTE, VARIANCE_OF_BYTE = 127.5, 5461.25  # of 0, 1, ... 255, all equally likely: (256**2 - 1) / 12
LONGEST = 2**24 - 1  # samples of a recording that a float32 counts one by one


class Gaussian(NamedTuple):
    """White Gaussian noise, ``xi = sigma * n``.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {"next": "n"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma * u[0]


class Bernoulli(NamedTuple):
    """A fair coin, ``xi = sigma`` or ``-sigma``: one random bit a number.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Size of the perturbation, which is also its standard deviation.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {"next": "u"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma if u[0] < 0.5 else -self.sigma


class Uniform(NamedTuple):
    """Uniform noise of standard deviation sigma, between -sqrt(3) sigma and sqrt(3) sigma.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {"next": "u"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma * 1.7320508075688772 * (2.0 * u[0] - 1.0)


@scalar
def two_bytes(u):
    """Sum of the two uppermost bytes of a uniform number, and the first of them alone."""
    scaled = 256.0 * u
    first = np.floor(scaled)
    return first + np.floor(256.0 * (scaled - first)), first


class SumOfBytes(NamedTuple):
    """A digital chip's Gaussian: the sum of a few random bytes, ``xi = sigma * (sum_k b_k - 127.5 k) / sqrt(5461.25 k)``.

    The bytes b are independent and uniform in 0..255, as those of a linear-feedback shift register that is advanced by eight steps for
    each. The sum takes 255 k + 1 values, never exceeds ``sqrt(3 k)`` standard deviations, and has the excess kurtosis
    ``-6/5 (256**2 + 1) / (256**2 - 1) / k``: flat for one byte, nearly Gaussian for eight.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation.
    k : int
        Bytes that are summed.
    """

    sigma: Sigma = 1e-3
    k: Annotated[int, Range("", 1, 8)] = 4

    State = Nothing
    draws = {"next": "uuuu"}

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        # a uniform number carries 23 random bits, so that each gives two bytes
        both, first = two_bytes(u[0])
        total = both if self.k > 1.5 else first
        both, first = two_bytes(u[1])
        total = total + (both if self.k > 3.5 else (first if self.k > 2.5 else 0.0))
        both, first = two_bytes(u[2])
        total = total + (both if self.k > 5.5 else (first if self.k > 4.5 else 0.0))
        both, first = two_bytes(u[3])
        total = total + (both if self.k > 7.5 else (first if self.k > 6.5 else 0.0))
        return s, self.sigma * (total - MEAN_BYTE * self.k) / np.sqrt(VARIANCE_OF_BYTE * self.k)


class Level(NamedTuple):
    """The state of a junction: 1 in the upper, 0 in the lower level."""

    up: Annotated[float, Bits(0)]


@scalar
def happens(x):
    """Chance that something of rate x has happened after one unit of time, ``1 - exp(-x)``: exact to 1e-7 for any x >= 0, small ones too."""
    y = min(x, 16.0) / 64.0
    # no 1 - (something near 1) anywhere; with q = 1 - exp(-y), 1 - exp(-2 y) is q (2 - q)
    q = y * (1.0 - y / 2.0 * (1.0 - y / 3.0 * (1.0 - y / 4.0 * (1.0 - y / 5.0 * (1.0 - y / 6.0 * (1.0 - y / 7.0))))))
    q = q * (2.0 - q)
    q = q * (2.0 - q)
    q = q * (2.0 - q)
    q = q * (2.0 - q)
    q = q * (2.0 - q)
    return q * (2.0 - q)


class Telegraph(NamedTuple):
    """Random telegraph noise of a stochastic magnetic tunnel junction: two levels, each left after a random time, and noise within them.

    A junction that stays in its levels for T_up and T_down on average, sampled once a step, is exactly the Markov chain

    ``P(up -> down) = (1 - p) (1 - exp(-1/T_up - 1/T_down))`` and ``P(down -> up) = p (1 - exp(-1/T_up - 1/T_down))``

    with p = T_up / (T_up + T_down), from which each sequence starts. The levels lie at ``2 (1 - p) L`` and ``-2 p L``, as behind a coupling
    capacitor, so that the mean is zero, and Gaussian noise of ``within * L`` is added; L follows from the total standard deviation,
    ``sigma**2 = L**2 (4 p (1 - p) + within**2)``. What lies k steps apart is correlated by
    ``4 p (1 - p) / (4 p (1 - p) + within**2) * exp(-k (1/T_up + 1/T_down))``: a perturbation that outlasts a step makes node perturbation
    credit a step with what earlier ones did. A junction much faster than the step is a fair coin.

    The defaults are those of the junction measured for learning by noise, sampled as there: it left its level with probability 0.0809
    between two samples, its levels lay 0.0119 V apart and it varied by 0.00091 V within one.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation of the whole, set by the gain of the amplifier behind the junction.
    up : float, step
        Mean time in the upper level: the junction's dwell time over the simulated time of a step.
    down : float, step
        Mean time in the lower level.
    within : float, half the distance of the levels
        Standard deviation of the Gaussian noise within a level.

    References
    ----------
    Koenders et al., Phys. Rev. Applied 23, 054035 (2025), doi:10.1103/PhysRevApplied.23.054035.
    """

    sigma: Sigma = 1e-3
    up: Dwell = 11.33
    down: Dwell = 11.33
    within: Annotated[float, Range("half the distance of the levels", 0.0)] = 0.1531

    State = Level
    draws = {"make": "u", "next": "un"}

    def make(self, u):
        return Level(1.0 if u[0] * (self.up + self.down) < self.up else 0.0)

    def next(self, s, u):
        p = self.up / (self.up + self.down)
        q = self.down / (self.up + self.down)
        moved = happens(1.0 / self.up + 1.0 / self.down)
        up = (0.0 if u[0] < q * moved else 1.0) if s.up > 0.5 else (1.0 if u[0] < p * moved else 0.0)
        half = self.sigma / np.sqrt(4.0 * p * q + self.within * self.within)
        return Level(up), half * ((2.0 * q if up > 0.5 else -2.0 * p) + self.within * u[1])


class Place(NamedTuple):
    """Where a source reads next in its recording."""

    at: Annotated[float, Bits(32)]


class Recorded(NamedTuple):
    """Noise played back from a file: each neuron starts at a random sample of the recording and reads on from there, round and round.

    The recording's mean is taken off and its standard deviation scaled to sigma, as a coupling capacitor and an amplifier would do.
    Every sequence starts at new samples, which follow from the run's seed.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation.
    file : str
        Path of the recording, samples one step apart: a one-dimensional NumPy array (.npy) or a text with one number a line (.csv).
    """

    sigma: Sigma = 1e-3
    file: str = "noise.npy"

    State = Place
    draws = {"make": "u"}

    def validate(self):
        if not isinstance(self.file, str | np.ndarray):
            raise InputError(f"Recorded.file must be the path of a recording (.npy or .csv), got {self.file!r}.")

    def opened(self):
        """The same source with the recording in place of the file's name: its length, then its samples with mean 0 and deviation 1.

        Raises
        ------
        InputError
            If the file is not there or holds no recording.
        """
        return self if isinstance(self.file, np.ndarray) else self._replace(file=_tape(pathlib.Path(self.file)))

    def make(self, u):
        tape: Any = self.file
        return Place(np.floor(u[0] * tape[0]))

    def next(self, s, u):
        # the length is on the tape because it must be a number of the run's type; the place of a sample is the only integer of a part
        tape: Any = self.file
        at = s.at - tape[0] * np.floor(s.at / tape[0])
        return Place(at + 1.0), self.sigma * tape[int(min(at + 1.0, tape[0]))]


def _tape(path):
    if path.suffix not in READERS:
        raise InputError(f"Noise is recorded in a .npy or .csv file, got {path}.")
    try:
        x = READERS[path.suffix](path)
    except FileNotFoundError:
        raise InputError(f"There is no recording {path}; give chip.noise.file the path of a .npy or .csv file.") from None
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"The recording {path} cannot be read: {str(error).rstrip('.')}.") from None
    if x.dtype.kind not in "fiu" or x.ndim != 1:
        raise InputError(f"The recording {path} must be one row of real numbers, but it holds {x.dtype} of shape {x.shape}.")
    x = x.astype(np.float64)
    if not np.isfinite(x).all():
        k = int(np.argmin(np.isfinite(x)))
        raise InputError(f"The recording {path} must hold finite numbers, but its sample {k} is {x[k]}.")
    if not 1 < x.size <= LONGEST or x.min() == x.max():
        raise InputError(f"The recording {path} must hold from 2 to {LONGEST} samples that differ, but it holds {_span(x)}.")
    return np.concatenate([[x.size], (x - x.mean()) / x.std()])


def _span(x):
    return f"{x.size} from {x.min():g} to {x.max():g}" if x.size else "none"


def _lines(path):
    numbers = []
    for k, line in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            numbers.append(float(line))
        except ValueError:
            raise ValueError(f"line {k} is {line!r}, but every line must be one number") from None
    return np.array(numbers, np.float64)


READERS = {".npy": lambda path: np.load(path, allow_pickle=False), ".csv": _lines}


class Silent(NamedTuple):
    """No perturbation at all: what differs between two passes is the chip's own noise, and learning correlates that with reward.

    Such noise has no clean pass: every pass is disturbed, and the difference of two passes varies by ``sqrt(2) * sigma``, which is what
    rules are told. Nobody knows the noise that a neuron was given, so that only rules that measure changes of activity can learn from it.
    It must be drawn for every pass: a tile that is read noisily, or a converter that rounds stochastically. What cells add when they are
    read, once a step for all passes, cancels between them.

    Parameters
    ----------
    sigma : float, unit of the neuron's current
        Standard deviation of the chip's own noise in a neuron's current, in one pass. Nothing is made of this size; rules that divide by
        the power of the perturbation are told it.
    """

    sigma: Sigma = 1e-3

    State = Nothing
    draws = {}
    silent = True

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, 0.0 * self.sigma


ALL_NOISES = {
    "gaussian": Gaussian,
    "bernoulli": Bernoulli,
    "uniform": Uniform,
    "sum-of-bytes": SumOfBytes,
    "telegraph": Telegraph,
    "recorded": Recorded,
    "none": Silent,
}
