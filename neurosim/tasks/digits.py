"""Handwritten digits, row by row: small pictures that a recurrent network reads like a series."""

from typing import Annotated, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hw_models.parts import InputError, Range, check
from neurosim.tasks import dataset
from neurosim.tasks.dataset import Dataset, Series
from neurosim.tasks.split import Split, check_split, spans
from neurosim.tasks.streams import generator


class Digits(NamedTuple):
    """Read a handwritten digit of 8 x 8 pixels row after row from the top, and say at the last row which digit it is.

    The inputs are the eight pixels of a row, 0 to 1; the target is one-hot over the ten digits and counts at the last row alone.
    The 1,797 pictures are those bundled with scikit-learn, shuffled by the seed. There is no "nothing changes" baseline.

    Parameters
    ----------
    repeat : int
        Steps for which each row is shown.
    code : "pixels", "rate" or "latency"
        Whether a pixel is a number; or sends a spike in each step of its row with the probability of its brightness; or one spike, in the
        first step if it is white, in the last if it is all but black, and none if it is black.
    split : tuple of float
        Fractions of the pictures for train, validation and test.

    References
    ----------
    Alpaydin, Kaynak 1998, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, doi:10.24432/C50P49.
    """

    name = "digits"

    repeat: Annotated[int, Range("steps", low=1)] = 1
    code: Literal["pixels", "rate", "latency"] = "pixels"
    split: Split = (0.7, 0.1, 0.2)

    def validate(self) -> None:
        check_split(self.split, "Digits.split")

    def load(self, seed: int) -> Dataset:
        """The three parts; the seed says which picture is in which, and in what order."""
        check(self)
        try:
            from sklearn.datasets import load_digits  # here and not above: it is an extra, and takes a second to import
        except ImportError:
            raise InputError('The task digits takes its pictures from scikit-learn; pip install "neurosim-hw[digits]" brings it.') from None
        pictures, labels = load_digits(return_X_y=True)
        order = generator(seed, self.name, "order").permutation(len(labels))
        rows = self._coded(np.repeat(pictures[order].reshape(-1, 8, 8) / 16.0, self.repeat, axis=1), seed)
        answers = np.zeros((*rows.shape[:2], 10))
        answers[:, -1] = np.eye(10)[labels[order]]
        counted = np.zeros(rows.shape[:2], bool)
        counted[:, -1] = True
        parts = spans(check_split(self.split, "Digits.split"), len(labels), 1, "pictures", "Digits.split")
        train, validation, test = (Series(rows[part].copy(), answers[part].copy(), counted[part].copy()) for part in parts)
        return dataset.check(Dataset(train, validation, test, unit="squared error of a one-hot output", classes=True))

    def _coded(self, rows: NDArray[np.float64], seed: int) -> NDArray[np.float64]:
        if self.code == "rate":
            return (generator(seed, self.name, "spikes").random(rows.shape) < rows).astype(np.float64)
        if self.code == "latency":
            step = np.arange(rows.shape[1])[:, None] % self.repeat
            return ((rows > 0) & (step == np.rint((1 - rows) * (self.repeat - 1)))).astype(np.float64)
        return rows
