"""A table of numbers from a CSV file, or one sentence on why it is none."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.tseries.api import guess_datetime_format

from hw_models.parts import InputError, nearest

_HEADER_LINES = 1


class Table(NamedTuple):
    """Named columns of finite numbers, in the order of the file."""

    columns: list[str]
    values: NDArray[np.float64]  #: (row, column)


def read(path: str | Path, target: str, drop: Sequence[str], missing: str, where: str) -> Table:
    """Every column of a CSV file but the dropped ones and one column of dates.

    Parameters
    ----------
    path : str or Path
        A file with one line of column names, separated by commas.
    target : str
        A column that must be there.
    drop : sequence of str
        Columns to leave out.
    missing : {"error", "previous"}
        Refuse empty cells, or take the value of the row before.
    where : str
        The part whose fields `csv`, `target`, `drop` and `missing` these are, for messages.

    Raises
    ------
    InputError
        If there is no such file, it is no CSV file or has no rows, a named column is not in it, or a cell is text, empty or infinite.
    """
    table = _open(Path(path), f"{where}.csv")
    for field, names in (("target", [target]), ("drop", drop)):
        for name in names:
            if name not in table.columns:
                raise InputError(f'{where}.{field} "{name}" is not a column of {path}; {nearest(name, table.columns)}')
    if target in drop:
        raise InputError(f'{where}.drop names the target "{target}"; remove it from drop or forecast another column.')
    table = _numbers_only(table.drop(columns=list(dict.fromkeys(drop))), target, path, where)
    if missing == "previous":
        table = table.ffill()
    _refuse_gaps(table, path, missing, where)
    return Table(list(table.columns), table.to_numpy(np.float64))


def _open(path: Path, where: str) -> pd.DataFrame:
    try:
        with warnings.catch_warnings():
            # without index_col pandas takes surplus values for row names and shifts every column; with it, it warns and cuts them off
            warnings.simplefilter("error", pd.errors.ParserWarning)
            # blank lines are kept so that rows and lines of the file agree; mixed columns are read whole (a DtypeWarning otherwise)
            table = pd.read_csv(
                path, encoding="utf-8-sig", index_col=False, skipinitialspace=True, skip_blank_lines=False, low_memory=False
            )
    except FileNotFoundError:
        raise InputError(f"{where}: there is no file {path} (looked in {Path.cwd()}); check the name or give the full path.") from None
    except OSError as error:
        raise InputError(f"{where}: {path} cannot be opened ({error.strerror or error}); give a CSV file that can be read.") from None
    except pd.errors.EmptyDataError:
        raise InputError(f"{where}: {path} is empty; it must have a line of column names and rows of numbers.") from None
    except pd.errors.ParserWarning:
        raise InputError(f"{where}: rows of {path} have more values than its first line has names; name every column.") from None
    except (pd.errors.ParserError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split()).removeprefix("Error tokenizing data. C error: ")
        raise InputError(
            f"{where}: {path} is not a well-formed CSV file in UTF-8 ({reason}); correct that line or save it again."
        ) from None
    filled = np.flatnonzero(table.notna().any(axis=1).to_numpy())
    if filled.size == 0:
        raise InputError(f"{where}: {path} has no rows of values below its column names; give a file with data.")
    return table.iloc[: filled[-1] + 1]  # blank lines at the end are no rows


def _numbers_only(table: pd.DataFrame, target: str, path: str | Path, where: str) -> pd.DataFrame:
    date_found = False
    for name in list(table.columns):
        column = pd.Series(table[name])
        if pd.api.types.is_numeric_dtype(column):
            continue
        dates = None if date_found or name == target else _dates(column)
        if dates is not None:
            if dates.iloc[-1] < dates.iloc[0]:
                raise InputError(
                    f'{where}.csv: column "{name}" of {path} runs backwards in time, from {column.iloc[0]} to {column.iloc[-1]}; '
                    f'sort the rows from old to new, or put "{name}" in {where}.drop to take them as they stand.'
                )
            table, date_found = table.drop(columns=name), True
            continue
        text = np.isnan(np.asarray(pd.to_numeric(column, errors="coerce"), float)) & np.asarray(column.notna())
        row = int(np.argmax(text))
        cure = "replace the text by numbers" if name == target else f'put "{name}" in {where}.drop or replace the text by numbers'
        raise InputError(f'{where}.csv: column "{name}" of {path} holds text ("{column.iloc[row]}" in line {_line(row)}); {cure}.')
    return table


def _dates(column: pd.Series) -> pd.Series | None:
    """The column as points in time if every filled cell is one, in one format; None otherwise."""
    column = column.dropna()
    for day_first in (False, True):  # 1/2/2010 is either; the rest of the column tells
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pandas warns about the very ambiguity that this loop resolves
            form = guess_datetime_format(str(column.iloc[0]), dayfirst=day_first)
            # utc: offsets that change with summer time are still one column of dates
            dates = pd.to_datetime(column, format=form, errors="coerce", utc=True) if form else None
        if dates is not None and dates.notna().all():
            return dates
    return None


def _refuse_gaps(table: pd.DataFrame, path: str | Path, missing: str, where: str) -> None:
    values = table.to_numpy(np.float64)
    bad = np.argwhere(~np.isfinite(values))
    if not len(bad):
        return
    row, column = (int(i) for i in bad[0])
    place = f'column "{table.columns[column]}" of {path}'
    if np.isinf(values[row, column]):
        raise InputError(f"{where}.csv: {place} is infinite in line {_line(row)}; replace it by a finite number.")
    if missing == "previous":
        raise InputError(
            f"{where}.csv: {place} has no value in its first row (line {_line(row)}), so there is none to carry on; fill it in."
        )
    raise InputError(
        f'{where}.csv: {place} has no value in line {_line(row)}; fill it in, drop the column, or set {where}.missing = "previous".'
    )


def _line(row: int) -> int:
    """Line in the file, counted from 1, of a row counted from 0."""
    return row + _HEADER_LINES + 1
