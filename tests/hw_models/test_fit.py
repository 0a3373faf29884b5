"""Cells are found again in pulses that they made, and what cannot be fitted is refused in a sentence.

An estimate is held to five of its own standard errors from the truth.
"""

import tomllib

import numpy as np
import pytest
import tomli_w

from hw_models import Chip, InputError, LinearStep
from hw_models.cells import ALL_CELLS
from hw_models.chip import configure
from hw_models.fit import SHAPES, fit, tabulate
from hw_models.testing import as_numbers, draw

SCALE = (1e-6, 11e-6)  # siemens of -1 and +1
QUIET = {"step_spread": 0.0, "asymmetry_spread": 0.0, "high_spread": 0.0, "low_spread": 0.0, "slope_spread": 0.0, "cycle_noise": 0.0}
TRUE = {
    "constant-step": {"step": 0.03, "asymmetry": 0.1},
    "linear-step": {"step": 0.04, "asymmetry": -0.1, "up_slope": 0.4, "down_slope": 0.25},
    "soft-bounds": {"step": 0.06, "asymmetry": 0.1, "high": 0.9, "low": -0.8},
    "power-step": {"step": 0.08, "asymmetry": 0.2, "up_gamma": 1.6, "down_gamma": 2.2, "high": 1.1, "low": -1.0},
    "exponential-step": {
        "a": -1.0, "b": 0.0, "write_noise": 0.0, "step": 0.02, "asymmetry": -0.2,
        "up_gamma": 2.0, "down_gamma": 3.0, "up_amplitude": -0.6, "down_amplitude": -0.3,
    },
    "piecewise-step": {
        "step": 0.04, "asymmetry": 0.1, "up_0": 1.6, "up_1": 0.7, "up_2": 1.0, "up_3": 1.3, "up_4": 0.6,
        "down_0": 0.6, "down_1": 1.4, "down_2": 1.0, "down_3": 0.7, "down_4": 1.3,
    },
}  # fmt: skip


def draws(rng, letters):
    return tuple(draw(rng, letter) for letter in letters)


def measured(path, kind, read_noise=0.003, devices=1, cycles=1, legs=(40, -50, 40, -40), every=1, seed=1, **numbers):
    """Write what devices of a cell show while they are driven up and down, read after every so many pulses; the file's path."""
    rng = np.random.default_rng(seed)
    quiet = {name: value for name, value in QUIET.items() if name in ALL_CELLS[kind]._fields}
    cell = as_numbers(ALL_CELLS[kind](**{**quiet, **numbers}))
    lines = ["device,cycle,pulse,direction,conductance"]
    for device in range(devices):
        fresh = cell.make(draws(rng, cell.draws["make"]))
        for cycle in range(cycles):
            s, given = cell.program(fresh, -0.6, 0.0, ()), 0
            for leg in (0, *legs):
                for k in range(abs(leg) or 1):
                    if leg:
                        u = (0.5, *draws(rng, cell.draws["write"][1:]))  # one pulse, always
                        s, hit = cell.write(s, np.sign(leg) * cell.step, 0.0, u)
                        assert hit == 1.0
                        given += 1
                    if k % every == every - 1 or not leg:
                        w = cell.read(s, ()) + read_noise * rng.standard_normal()
                        lines.append(f"{device},{cycle},{given},{'up' if leg >= 0 else 'down'},{float((w + 1) * 5e-6 + 1e-6)!r}")
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def file(tmp_path):
    return tmp_path / "pulses.csv"


def near(found, true):
    """Within five standard errors; what was not drawn but fixed is not asked for."""
    asked = {name: value for name, value in true.items() if name in found.estimates}
    wrong = {name: (found.estimates[name], value) for name, value in asked.items() if not off(found, name, value) < 5.0}
    assert asked and not wrong, wrong


def off(found, name, value):
    e = found.estimates[name]
    return abs(e.value - value) / e.error


@pytest.mark.parametrize("kind", SHAPES)
def test_every_step_model_is_found_again_in_its_noisy_reads(file, kind):
    found = fit(measured(file, kind, **TRUE[kind]), kind, SCALE)
    assert set(found.estimates) == {"step", "asymmetry", *SHAPES[kind]}
    near(found, TRUE[kind])
    assert found.read_noise == pytest.approx(0.003, abs=5 * 0.003 / np.sqrt(2 * 170))


def test_the_model_that_made_the_pulses_has_the_lowest_aicc_of_all(file):
    found = fit(measured(file, "linear-step", legs=(20, -25), **TRUE["linear-step"]), full_scale=SCALE)
    assert found.kind == next(iter(found.aicc)) == "linear-step" and found.aicc["linear-step"] == min(found.aicc.values())
    assert set(found.aicc) == set(SHAPES)


@pytest.mark.parametrize(
    ("kind", "rival"),
    [
        ("constant-step", "linear-step"),
        ("soft-bounds", "constant-step"),
        ("exponential-step", "linear-step"),
        ("power-step", "soft-bounds"),
    ],
)
def test_a_model_beats_its_rival_on_its_own_pulses(file, kind, rival):
    """The first also where the rival says the same with more numbers."""
    measured(file, kind, legs=(25, -30, 20), **TRUE[kind])
    own, other = (fit(file, name, SCALE).aicc[name] for name in (kind, rival))
    assert own < other


def test_noiseless_linear_steps_worked_by_hand_are_exact(file):
    """From 2 to 6 uS is -1 to 1. Up 0.5 (1 - 0.5 w): -1, -0.25, 0.3125, 0.734375; down 0.4 (1 + 0.25 w): 0.2609375, -0.16515625."""
    weights = [-1.0, -0.25, 0.3125, 0.734375, 0.2609375, -0.16515625]
    for k in range(8):  # twice more down and up again, so that there are more reads than parameters
        w = weights[-1]
        weights.append(w + 0.5 * (1 - 0.5 * w) if k % 4 > 1 else w - 0.4 * (1 + 0.25 * w))
    ways = ["+1"] * 4 + ["-1"] * 2 + (["-1"] * 2 + ["+1"] * 2) * 2
    rows = [f"{k},{way},{(w + 2) * 2e-6!r}" for k, (w, way) in enumerate(zip(weights, ways, strict=True))]
    file.write_text("pulse,direction,conductance\n" + "\n".join(rows) + "\n")
    found = fit(file, "linear-step", (2e-6, 6e-6))
    cell = found.cell
    assert (cell.step, cell.asymmetry, cell.up_slope, cell.down_slope) == pytest.approx((0.5, 0.2, 0.5, 0.25), abs=1e-7)
    assert found.read_noise < 1e-7
    assert all(getattr(cell, name) == 0.0 for name in cell._fields if name.endswith("_spread") or name == "cycle_noise")
    assert any("One device" in note for note in found.notes) and any("One cycle" in note for note in found.notes)


def test_noise_of_pulses_is_told_from_noise_of_reads(file):
    true = {**TRUE["linear-step"], "cycle_noise": 0.4}
    found = fit(measured(file, "linear-step", cycles=2, read_noise=0.006, seed=2, **true), "linear-step", SCALE)
    near(found, true)
    assert found.cell.cycle_noise == found.estimates["cycle_noise"].value > 0.2
    assert found.read_noise == pytest.approx(0.006, rel=0.3)


def test_the_spread_from_device_to_device_is_found_again(file):
    true = {"step": 0.04, "step_spread": 0.2, "asymmetry_spread": 0.05}
    found = fit(measured(file, "constant-step", devices=25, legs=(20, -20), **true), "constant-step", SCALE)
    near(found, true)
    assert found.devices == 25 and found.cell.step_spread == found.estimates["step_spread"].value
    assert found.cell.high_spread == 0.0


def test_reads_may_be_several_pulses_apart(file):
    found = fit(measured(file, "linear-step", every=5, legs=(40, -50, 40, -40), **TRUE["linear-step"]), "linear-step", SCALE)
    assert found.points == 1 + 170 // 5
    near(found, TRUE["linear-step"])


def test_units_that_cannot_be_meant_are_said(file):
    measured(file, "linear-step", **TRUE["linear-step"])
    with pytest.raises(InputError, match=r"all conductances lie between .* outside of the full scale, 1 to 11 S; give both in siemens"):
        fit(file, "linear-step", (1.0, 11.0))
    in_us = file.read_text().splitlines()
    head, *rows = [line.split(",") for line in in_us]
    file.write_text("\n".join(",".join(row) for row in [head, *[[*row[:-1], repr(float(row[-1]) * 1e6)] for row in rows]]))
    assert any("is beyond any memory device" in note for note in fit(file, "linear-step").notes)


def test_a_search_that_has_not_settled_gives_no_errors(file, monkeypatch):
    from scipy import optimize

    search = optimize.least_squares
    monkeypatch.setattr(optimize, "least_squares", lambda *given, **more: search(*given, **{**more, "max_nfev": 2}))
    found = fit(measured(file, "linear-step", **TRUE["linear-step"]), "linear-step", SCALE)
    assert any("before it had settled, so that no errors are given" in note for note in found.notes)
    assert all((e.error, e.low, e.high) == (None, None, None) for e in found.estimates.values())


def test_full_scale_is_what_was_measured_unless_it_is_given(file):
    measured(file, "constant-step", legs=(15, -15), **TRUE["constant-step"])
    found = fit(file, "constant-step")
    seen = [float(line.split(",")[-1]) for line in file.read_text().split()[1:]]
    assert found.full_scale == (min(seen), max(seen))
    # a step in siemens is the same on both scales
    given = fit(file, "constant-step", SCALE)
    assert found.cell.step * (max(seen) - min(seen)) == pytest.approx(given.cell.step * (SCALE[1] - SCALE[0]), rel=1e-6)


def test_what_is_found_is_a_chip(file):
    found = fit(measured(file, "linear-step", legs=(15, -15), **TRUE["linear-step"]), "linear-step", SCALE)
    chip = configure(Chip(name="mine"), tomllib.loads(tomli_w.dumps(found.to_table())))
    assert chip.cell == found.cell and isinstance(chip.cell, LinearStep)
    assert found.sha256 in chip.source("cell.step") and "31 points, 1 device" in chip.source("cell.step")
    assert "-1 is 1e-06, +1 is 1.1e-05 S" in chip.source("cell.step")


def test_the_same_file_gives_the_same_numbers(file):
    measured(file, "constant-step", legs=(10, -10), **TRUE["constant-step"])
    assert fit(file, "constant-step").estimates == fit(file, "constant-step").estimates


def test_a_table_of_states_is_a_cell(file):
    file.write_text("state,mean,std\n2,2.5,0.25\n4,5,0.5\n10,9.5,1\n")
    found = tabulate(file)
    assert found.full_scale == (2.0, 10.0) and found.points == 3 and found.kind == "table"
    assert found.cell.program(found.cell.make(()), -1.0, 0.0, (0.0,)).seen == -0.875
    assert configure(Chip(), tomllib.loads(tomli_w.dumps(found.to_table()))).cell == found.cell


HEAD = "pulse,direction,conductance\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"no column pulse and no column direction and no column conductance; found: nothing\."),
        ("pulse,way,G\n", r"has no column direction and no column conductance; found: pulse, way, G\."),
        (HEAD + "0,up,1e-6\n1,up,nan\n", r'line 3, "1,up,nan": .* the conductance a finite one'),
        (HEAD + "0,up,1e-6\n1.5,up,2e-6\n", r"line 3, .* whole number"),
        (HEAD + "0,up,1e-6\n1,up,-2e-6\n", r"line 3, .* at least 0 S"),
        (HEAD + "0,up,1e-6\n1,left,2e-6\n", r'line 3, .* direction must be up, down, \+1 or -1, got "left"\.'),
        (HEAD + "0,up,1e-6\n1,up,much\n", r"line 3, .* must be numbers"),
        (HEAD + "0,up\n", r"line 2, .* 2 values for 3 columns"),
        (HEAD + "0,up,1e-6\n1,up,1e-6\n", r"no two different conductances"),
        (HEAD + "1,up,1e-6\n1,up,2e-6\n", r"line 3: pulse 1 does not come after pulse 1; .* cycle and device"),
        (HEAD + "0,up,1e-6\n1,up,2e-6\n2,up,3e-6\n", r"has no pulses down"),
        (HEAD + "0,up,1e-6\n1,up,2e-6\n2,down,1e-6\n", r"has 2 reads after pulses where constant-step takes at least 5"),
    ],
)
def test_what_cannot_be_fitted_is_refused_with_its_line(file, text, message):
    file.write_text(text)
    with pytest.raises(InputError, match=message):
        fit(file)


def test_impossible_wishes_are_refused(file):
    with pytest.raises(InputError, match=r'Cell "soft-bound" cannot be fitted to pulses; did you mean "soft-bounds"\?'):
        fit(file, "soft-bound")
    with pytest.raises(InputError, match="cannot be read"):
        fit(file)
    file.write_text(HEAD + "0,up,1e-6\n1,up,2e-6\n")
    with pytest.raises(InputError, match="from a smaller to a larger conductance"):
        fit(file, None, (2e-6, 1e-6))


def test_a_model_that_the_pulses_are_too_few_for_is_not_tried(file):
    found = fit(measured(file, "linear-step", legs=(4, -4), **TRUE["linear-step"]), full_scale=SCALE)
    assert "piecewise-step" not in found.aicc and any("piecewise-step" in note for note in found.notes)
