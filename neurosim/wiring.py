"""Which neurons of a recurrent layer reach which, and how long their spikes are on the way."""

from typing import Annotated, Any, NamedTuple

import numpy as np

from hw_models.parts import Range

Delay = Annotated[float, Range("s", 0.0)]


class Wires(NamedTuple):
    """Wires of a projection, row by row; of a dense one there are none to list."""

    start: np.ndarray  #: (pre + 1,) int64: where the wires of each row begin
    post: np.ndarray  #: (wire,) int32: where each leads, in rising order along a row

    @property
    def pre(self) -> np.ndarray:
        """(wire,) where each comes from."""
        return np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))


def late(wiring, step_s: float) -> int:
    """Steps by which spikes on recurrent wires are late."""
    return round(wiring.delay / step_s)


DENSE = Wires(np.zeros(0, np.int64), np.zeros(0, np.int32))


class Dense(NamedTuple):
    """Every neuron reaches every neuron.

    Parameters
    ----------
    delay : float, s
        How much later than in the next step a spike arrives, in whole steps.
    """

    delay: Delay = 0.0

    probability = 1.0
    sparse = False

    def wires(self, n: int, rng: np.random.Generator) -> Wires:
        return DENSE


class Sparse(NamedTuple):
    """Each neuron reaches each, itself included, with the same probability; a weight is stored for each wire alone.

    Parameters
    ----------
    probability : float
        Of a wire from one neuron to another.
    delay : float, s
        How much later than in the next step a spike arrives, in whole steps.
    """

    probability: Annotated[float, Range("", 0.0, 1.0, open_low=True)] = 0.1
    delay: Delay = 0.0

    sparse = True

    def wires(self, n: int, rng: np.random.Generator) -> Wires:
        """The wires of n neurons: geometric gaps along the rows, as if each pair had been asked."""
        total, block, found, last = n * n, max(1024, min(int(1.1 * n * n * self.probability), 2**24)), [], -1
        while last < total:
            places = last + np.cumsum(rng.geometric(self.probability, block))
            found.append(places[places < total])
            last = int(places[-1])
        places = np.concatenate(found)
        start = np.concatenate([[0], np.cumsum(np.bincount(places // n, minlength=n))]).astype(np.int64)
        return Wires(start, (places % n).astype(np.int32))


class FeedForward(NamedTuple):
    """No neuron reaches any of its own layer: layers without recurrence."""

    probability = delay = 0.0
    sparse = True

    def wires(self, n: int, rng: np.random.Generator) -> Wires:
        return Wires(np.zeros(n + 1, np.int64), DENSE.post)


ALL_WIRINGS: dict[str, Any] = {"dense": Dense, "sparse": Sparse, "feed-forward": FeedForward}
