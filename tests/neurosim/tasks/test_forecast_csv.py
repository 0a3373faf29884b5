import numpy as np
import pytest

from hw_models.parts import InputError, build
from neurosim.tasks import PARTS, ForecastCSV, baselines


@pytest.fixture
def csv(tmp_path):
    def write(**columns):
        path = tmp_path / "data.csv"
        rows = zip(*columns.values(), strict=True)
        path.write_text("\n".join([",".join(columns), *(",".join(repr(float(v)) for v in row) for row in rows)]))
        return str(path)

    return write


def walk(n=200, seed=0):
    """A slow series (persistence wins) and a fast one (the mean wins)."""
    rng = np.random.default_rng(seed)
    return {"slow": 50 + np.cumsum(rng.standard_normal(n)), "fast": 3 * rng.standard_normal(n) - 7}


def test_hand_worked(csv):
    path = csv(y=[0, 2, 4, 2, 0, 2, 4, 8, 1, 5])
    task = ForecastCSV(path, "y", predict="value", split=(0.4, 0.3, 0.3), warmup=1)
    dataset = task.load(0)
    # training rows 0 2 4 2: mean 2, standard deviation sqrt(2)
    assert dataset.train.inputs[0, :, 0] == pytest.approx(np.array([-2, 0, 2]) / np.sqrt(2))
    assert dataset.train.targets[0, :, 0] == pytest.approx(np.array([0, 2, 0]) / np.sqrt(2))
    # validation rows 0 2 4 after one row of warm-up, test rows 8 1 5 after another
    assert dataset.validation.inputs[0, :, 0] == pytest.approx(np.array([0, -2, 0]) / np.sqrt(2))
    assert dataset.validation.counted.tolist() == [[False, True, True]]
    assert dataset.test.targets[0, :, 0] == pytest.approx(np.array([6, -1, 3]) / np.sqrt(2))
    change = task._replace(predict="change").load(0)
    # changes 2 2 -2 on the training rows: rms 2, and one squared unit of it is 4 / 2 squared standard deviations
    assert change.train.targets[0, :, 0] == pytest.approx([1, 1, -1])
    assert change.loss_unit == pytest.approx(2)
    assert not change.test.persistence.any()


@pytest.mark.parametrize("horizon", [1, 3])
def test_losses_of_value_and_change_compare(csv, horizon):
    path = csv(**walk())
    value, change = (baselines(ForecastCSV(path, "slow", horizon, predict=kind).load(0)) for kind in ("value", "change"))
    for name in ("persistence", "linear"):  # the present value is an input, so the fits are the same too
        assert change[name] == pytest.approx(value[name])


def test_auto_takes_what_is_better_on_the_training_rows(csv):
    path = csv(**walk())
    assert not ForecastCSV(path, "slow").load(0).train.persistence.any()
    assert ForecastCSV(path, "fast").load(0).train.persistence.any()
    assert ForecastCSV(path, "fast").load(0).loss_unit == 1.0


@pytest.mark.parametrize("predict", ["value", "change"])
def test_nothing_leaks_into_the_training_part(csv, predict):
    data = walk()
    task = ForecastCSV(csv(**data), "slow", horizon=2, predict=predict)
    before = task.load(0)
    data = {name: np.where(np.arange(200) < 160, column, column * 5 + 100) for name, column in data.items()}
    csv(**data)
    after = task.load(0)
    for array, same in zip(before.train, after.train, strict=True):
        assert np.array_equal(array, same)
    assert before.loss_unit == after.loss_unit
    assert not np.array_equal(before.validation.inputs, after.validation.inputs)


def test_parts_count_every_pair_inside_them_once(csv):
    dataset = ForecastCSV(csv(y=range(200)), "y", horizon=4, predict="value", warmup=30).load(0)
    rows = [np.rint(s.targets[s.counted][:, 0] * np.arange(160).std() + 79.5).astype(int) for s in dataset[:3]]
    assert [(r[0], r[-1]) for r in rows] == [(4, 159), (164, 179), (184, 199)]
    assert dataset.validation.inputs.shape == (1, 46, 1)


def test_inputs_are_standardised_on_the_training_rows(csv):
    inputs = ForecastCSV(csv(**walk()), "slow").load(0).train.inputs[0]
    assert inputs.mean(axis=0) == pytest.approx(0, abs=0.02)  # the last training row is only ever a target
    assert inputs.std(axis=0) == pytest.approx(1, abs=0.02)


def test_constant_and_repeated_columns_are_harmless(csv):
    data = walk()
    plain = ForecastCSV(csv(**data), "slow").load(0)
    path = csv(**data, same=[3] * 200, twice=data["slow"] * 2, late=[0] * 170 + [1] * 30)
    repeated = ForecastCSV(path, "slow").load(0)
    assert repeated.train.inputs.shape[-1] == 3
    assert baselines(repeated)["linear"] == pytest.approx(baselines(plain)["linear"])


def test_a_steady_climb_and_an_exact_repetition_can_be_forecast(csv):
    assert ForecastCSV(csv(y=range(100)), "y").load(0).train.targets == pytest.approx(1)
    assert not ForecastCSV(csv(y=[1, 2] * 50), "y", horizon=2).load(0).train.targets.any()


def test_the_seed_changes_nothing(csv):
    task = ForecastCSV(csv(**walk()), "slow")
    assert all(np.array_equal(getattr(task.load(0), part).inputs, getattr(task.load(1), part).inputs) for part in PARTS)


@pytest.mark.parametrize("drop", [["fast"], "fast", "fast,", ("fast",)])
def test_drop_as_list_and_as_text(csv, drop):
    table = {"csv": csv(**walk()), "target": "slow", "drop": drop, "split": [0.6, 0.2, 0.2]}
    assert build(ForecastCSV, table, "task").drop == ("fast",)
    assert ForecastCSV(**table).load(0).train.inputs.shape == (1, 119, 1)


def test_split_as_text(csv):
    task = build(ForecastCSV, {"csv": csv(**walk()), "target": "slow", "split": "0.6,0.2,0.2"}, "task")
    assert task.split == (0.6, 0.2, 0.2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"horizon": 20},
            "ForecastCSV.split gives 20 of 200 rows to the validation part, which needs at least 21; .* or a shorter horizon",
        ),
        ({"horizon": 0}, "ForecastCSV.horizon must be a whole number at least 1"),
        ({"split": (0.9, 0.2, 0.1)}, "ForecastCSV.split must be three fractions"),
        ({"split": (0.5, 0.5)}, "ForecastCSV.split must be three fractions"),
        ({"predict": "both"}, 'ForecastCSV.predict must be one of "auto", "value", "change"'),
        ({"target": "solw"}, 'ForecastCSV.target "solw" is not a column .* did you mean "slow"'),
        ({"drop": ("slow",)}, 'ForecastCSV.drop names the target "slow"'),
        ({"csv": "none.csv"}, "ForecastCSV.csv: there is no file none.csv"),
    ],
)
def test_errors_say_what_to_do(csv, options, message):
    with pytest.raises(InputError, match=message):
        ForecastCSV(**({"csv": csv(**walk()), "target": "slow"} | options)).load(0)


def test_a_target_that_never_changes(csv):
    with pytest.raises(InputError, match=r'ForecastCSV.target "y" is 3 in every training row'):
        ForecastCSV(csv(y=[3] * 100), "y").load(0)
