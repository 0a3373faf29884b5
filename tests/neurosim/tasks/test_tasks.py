"""What every task promises."""

import subprocess
import sys

import numpy as np
import pytest

from hw_models.parts import build, fields
from neurosim.tasks import ALL_TASKS, PARTS, Arrays, Dataset, ForecastCSV, by_name, check


@pytest.fixture(params=ALL_TASKS, ids=lambda task: task.name)
def task(request, tmp_path):
    if request.param is not ForecastCSV:
        return request.param()
    path = tmp_path / "data.csv"
    path.write_text("y\n" + "\n".join(f"{np.sin(i)}" for i in range(100)))
    return ForecastCSV(str(path), "y")


def test_names():
    series = ["mackey-glass", "mackey-glass-reversed", "copy-memory", "forecast-csv", "digits"]
    assert list(by_name) == [*series, "cue-accumulation", "delayed-match", "gym"]
    assert Arrays.name == "arrays"


def test_loads_a_sound_data_set_of_float64(task):
    dataset = task.load(0)
    assert isinstance(dataset, Dataset)
    assert check(dataset) is dataset
    assert dataset.unit
    assert all(getattr(dataset, part).inputs.dtype == getattr(dataset, part).targets.dtype == np.float64 for part in PARTS)


def test_equal_seeds_give_equal_bits(task):
    one, two = task.load(11), task.load(11)
    for part in PARTS:
        for a, b in zip(getattr(one, part), getattr(two, part), strict=True):
            assert (a is None and b is None) or np.array_equal(a, b)


def test_is_built_from_a_table_and_says_what_its_options_mean(task):
    assert build(type(task), task._asdict(), "task") == task
    assert all(field.meaning for field in fields(type(task)).values())
    assert "name" not in type(task)._fields


def test_nothing_of_the_simulator_nor_pandas_is_imported():
    code = (
        "import sys, neurosim; before = set(sys.modules); import neurosim.tasks;"
        "print([m for m in set(sys.modules) - before if m == 'pandas' or m.startswith('neurosim.') and not m.startswith('neurosim.tasks')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
