"""Copying memory: hold a string of symbols and repeat it on demand."""

from typing import Annotated, NamedTuple

import numpy as np

from hw_models.parts import Range, check
from neurosim.tasks import dataset
from neurosim.tasks.dataset import PARTS, Dataset, Series
from neurosim.tasks.streams import generator


class CopyMemory(NamedTuple):
    """See a string of symbols, wait, and repeat the string while a marker is shown.

    Input and target are one-hot over alphabet + 2 classes (0 is the blank, the last one the marker):
    input = symbols, blanks, markers; target = blanks until the markers begin, then the symbols in order.

    The released code trains on *one* fixed string and tests on another, which measures how a string is learned by heart;
    ``sequences=1`` is that arrangement. By default there are 100 random strings, none shared between the parts' random streams.
    There is no "nothing changes" baseline: the present input says nothing of the answer.

    Parameters
    ----------
    length : int
        Symbols in a string; also the steps of recall.
    delay : int
        Blank steps between string and recall.
    alphabet : int
        Different symbols.
    sequences : int
        Strings to train on.
    validation_sequences : int
        Strings to validate on.
    test_sequences : int
        Strings to test on.

    References
    ----------
    Hochreiter, Schmidhuber, Neural Comput. 9:1735 (1997), doi:10.1162/neco.1997.9.8.1735.
    García Fernández, Keemink, van Gerven, Front. Neurosci. 18:1439155 (2024), doi:10.3389/fnins.2024.1439155.
    """

    name = "copy-memory"

    length: Annotated[int, Range("steps", low=1)] = 100
    delay: Annotated[int, Range("steps", low=0)] = 10
    alphabet: Annotated[int, Range("symbols", low=1)] = 8
    sequences: Annotated[int, Range("strings", low=1)] = 100
    validation_sequences: Annotated[int, Range("strings", low=1)] = 10
    test_sequences: Annotated[int, Range("strings", low=1)] = 20

    def load(self, seed: int) -> Dataset:
        """Fresh random strings for each part."""
        check(self)
        counts = (self.sequences, self.validation_sequences, self.test_sequences)
        train, validation, test = (self._series(count, generator(seed, self.name, part)) for part, count in zip(PARTS, counts, strict=True))
        return dataset.check(Dataset(train, validation, test, unit="squared error of a one-hot output", classes=True))

    def _series(self, count: int, rng: np.random.Generator) -> Series:
        symbols = rng.integers(1, self.alphabet + 1, (count, self.length))
        blanks = np.zeros((count, self.delay), int)
        markers = np.full((count, self.length), self.alphabet + 1)
        shown = np.concatenate((symbols, blanks, markers), axis=1)
        wanted = np.concatenate((np.zeros_like(symbols), blanks, symbols), axis=1)
        one_hot = np.eye(self.alphabet + 2)
        return dataset.all_counted(one_hot[shown], one_hot[wanted])
