"""Forecast one column of a CSV file from all its columns."""

from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from hw_models.parts import InputError, Range, check
from neurosim.tasks import dataset
from neurosim.tasks.dataset import Dataset
from neurosim.tasks.split import Split, check_split, spans, stretch


def as_names(names: Any) -> Any:
    """A list (from TOML) or text such as ``a,b`` (from the command line) as a tuple of column names."""
    if isinstance(names, str):
        return tuple(name.strip() for name in names.split(",") if name.strip())
    return tuple(names) if isinstance(names, list) else names


class ForecastCSV(NamedTuple):
    """Say what a column of a CSV file will be some rows later, from the present row.

    Rows are in time order and equally spaced. The inputs are all columns, the target's present value among them, standardised with
    mean and standard deviation of the training rows; columns that are constant there are left out. One text column that
    reads as dates is left out by itself; other text must be dropped. With y the target column and h the horizon,

    value:  target = (y[t+h] - mean) / std;  "nothing changes" predicts (y[t] - mean) / std
    change: target = (y[t+h] - y[t]) / rms;  "nothing changes" predicts 0

    with mean and std of y and rms of its change over the training rows. Losses are reported in squared standard deviations std² of y either
    way, so that the two compare. Validation and test begin with rows of the part before, which settle the network and do not count.

    Parameters
    ----------
    csv : str
        File with a line of column names and rows separated by commas.
    target : str
        Column to forecast.
    horizon : int
        How many rows ahead.
    drop : tuple of str
        Columns to leave out: a list in TOML, or names separated by commas.
    split : tuple of float
        Fractions of the rows for train, validation and test, in time order.
    predict : {"auto", "value", "change"}
        What the network answers; auto takes the change if, on the training rows, "nothing changes" is a better forecast than the mean.
    missing : {"error", "previous"}
        Refuse empty cells, or carry on the last value.
    warmup : int
        Rows before validation and test that are shown but do not count.
    """

    name = "forecast-csv"

    csv: str
    target: str
    horizon: Annotated[int, Range("rows", low=1)] = 1
    drop: Annotated[tuple[str, ...], BeforeValidator(as_names)] = ()
    split: Split = (0.8, 0.1, 0.1)
    predict: Literal["auto", "value", "change"] = "auto"
    missing: Literal["error", "previous"] = "error"
    warmup: Annotated[int, Range("rows", low=0)] = 100

    def validate(self) -> None:
        check_split(self.split, "ForecastCSV.split")

    def load(self, seed: int) -> Dataset:
        """The three stretches of the file; the seed changes nothing."""
        from neurosim.tasks import csv_file  # here and not above: pandas takes half a second to import

        check(self)
        table = csv_file.read(self.csv, self.target, as_names(self.drop), self.missing, "ForecastCSV")
        split = check_split(self.split, "ForecastCSV.split")
        parts = spans(split, len(table.values), self.horizon + 1, "rows", "ForecastCSV.split", ", or a shorter horizon")
        y = table.values[:, [table.columns.index(self.target)]]
        if np.ptp(y[parts[0]]) == 0:
            raise InputError(f'ForecastCSV.target "{self.target}" is {y[0, 0]:g} in every training row; forecast a column that changes.')

        inputs = standardise(table.values, parts[0])[: -self.horizon]
        targets, persistence, loss_unit = self._answers(y, parts[0])
        pairs = (slice(part.start, part.stop - self.horizon) for part in parts)  # a pair lies wholly inside its part
        train, validation, test = (stretch(pair, self.warmup, inputs, targets, persistence) for pair in pairs)
        return dataset.check(Dataset(train, validation, test, loss_unit=loss_unit, unit="squared standard deviations of the target"))

    def _answers(self, y: NDArray, train: slice) -> tuple[NDArray, NDArray, float]:
        """Targets, what "nothing changes" predicts, and the loss unit."""
        mean, std = y[train].mean(), y[train].std()
        now, later = y[: -self.horizon], y[self.horizon :]
        change = later - now
        rms = np.sqrt(np.mean(change[train.start : train.stop - self.horizon] ** 2))
        if self.predict == "value" or (self.predict == "auto" and rms >= std):
            return (later - mean) / std, (now - mean) / std, 1.0
        unit = rms or std  # a series that repeats itself exactly never changes
        # rms and not the standard deviation, which is 0 for a steady climb
        return change / unit, np.zeros_like(change), float((unit / std) ** 2)


def standardise(values: NDArray[np.float64], train: slice) -> NDArray[np.float64]:
    """Columns with mean 0 and standard deviation 1 over the training rows; those that are constant there are left out."""
    varied = values[:, np.ptp(values[train], axis=0) > 0]
    return (varied - varied[train].mean(axis=0)) / varied[train].std(axis=0)
