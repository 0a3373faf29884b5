"""Pulsed cells against published numbers, and the devices fitted to measurements."""

import importlib.resources
import math
import tomllib

import numpy as np
import pytest

from hw_models import Chip
from hw_models.cells import ConstantStep, ExponentialStep, LinearStep, PiecewiseStep, PowerStep, SoftBounds, SoftBoundsReference
from hw_models.cells.pulsed_shaped import exponential, piecewise, power
from hw_models.chip import KINDS, configure
from hw_models.parts import check
from hw_models.presets import PRESETS
from hw_models.testing import as_numbers, check_cell, draw

CHIPS = {"reram-es": "reram-es", "reram-hfo2": "reram-array-hfo2", "ecram": "ecram", "capacitor": "capacitor"}


def certain(part, **changes):
    """A device without any chance."""
    chances = ("_spread", "_noise")
    return as_numbers(part._replace(**{**{f: 0.0 for f in part._fields if f.endswith(chances)}, **changes}))


def at(cell, w):
    s = cell.make(tuple(0.5 if letter == "u" else 0.0 for letter in type(cell).draws["make"]))
    return cell.program(s, w, 0.0, ())


def pulsed(cell, s, n):
    """The device after n pulses up, or down if n is negative."""
    return cell.write(s, n * cell.step, 0.0, (0.5, 0.0, 0.0))[0]


# ---------------------------------------------------------------- the step


@pytest.mark.parametrize(("w", "up", "down"), [(-1.0, 2.184, 1.081), (0.0, 1.097, 1.992), (1.0, 1.008, 13.08)])
def test_the_steps_of_the_filamentary_device(w, up, down):
    cell = certain(PRESETS["reram-es"])
    assert exponential(cell, w, -1.0, 1.0, True) == pytest.approx(up, abs=5e-4)
    assert exponential(cell, w, -1.0, 1.0, False) == pytest.approx(down, abs=5e-3)


@pytest.mark.parametrize(("w", "step"), [(0.0, 0.282), (1.0, 0.032), (2.0, 0.012)])
def test_the_steps_of_a_phase_change_device(w, step):
    # Nandakumar et al. 2020, doi:10.3389/fnins.2020.00406: one-sided, 0 to 2, so that it is no preset of a single cell
    cell = as_numbers(ExponentialStep(step=0.01, a=-1.0, b=0.0, up_gamma=2.5, down_gamma=2.5, up_amplitude=-27.235, down_amplitude=-2.235))
    assert 0.01 * exponential(cell, w, 0.0, 2.0, True) == pytest.approx(step, abs=5e-4)


def test_one_pulse_is_one_step_worked_by_hand():
    cell = certain(PRESETS["ecram"])
    assert cell.read(pulsed(cell, at(cell, 0.5), 1), ()) == pytest.approx(0.5 + 0.002 * (1 - 0.1153 * 0.5 / 1.1724))
    assert cell.read(pulsed(cell, at(cell, -0.5), -1), ()) == pytest.approx(-0.5 - 0.002 * (1 - 0.5085 * 0.5 / 0.8276))
    cell = certain(PRESETS["gokmen-vlasov"])
    assert cell.read(pulsed(cell, at(cell, 0.5), -3), ()) == pytest.approx(0.5 - 3 * 0.0016)
    cell = certain(PRESETS["reram-es"])  # the asymmetry of 0.259 weakens pulses down alone
    assert cell.read(pulsed(cell, at(cell, 0.0), 1), ()) == pytest.approx(0.00135 * 1.09723, rel=1e-5)
    assert cell.read(pulsed(cell, at(cell, 0.0), -1), ()) == pytest.approx(-0.00135 * (1 - 0.259359) * 1.99171, rel=1e-5)


def test_a_power_of_the_range_ahead():
    cell = as_numbers(PowerStep(up_gamma=2.0, down_gamma=0.5))
    assert power(cell, 0.5, -1.0, 1.0, True) == pytest.approx(0.25**2, rel=1e-6)
    assert power(cell, 0.5, -1.0, 1.0, False) == pytest.approx(0.75**0.5, rel=1e-6)
    assert power(cell, 1.0, -1.0, 1.0, True) == 0.0


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_powers_0_and_1_are_constant_steps_and_soft_bounds(gamma):
    cell = certain(PowerStep(), step=0.02, up_gamma=gamma)
    other = certain(SoftBounds(), step=0.01) if gamma else certain(ConstantStep(), step=0.02)  # of a range of 2, half is ahead at 0
    for w in (-0.9, 0.0, 0.4):
        got = cell.read(cell.write(at(cell, w), 0.1, 0.0, (0.5, 0.0))[0], ())
        n = 5 * (0.02 / other.step)  # as many pulses, asked of a cell of another step
        if gamma:
            assert got == pytest.approx(other.high - (other.high - w) * (1 - 0.01) ** 5, abs=1e-6)
        else:
            assert got == pytest.approx(w + n * other.step, abs=1e-6)


def test_a_table_is_read_along_straight_lines():
    cell = as_numbers(PiecewiseStep(1e-3, up_0=2.0, up_1=1.0, up_2=4.0, up_3=3.0, up_4=0.0))
    places = {-1.0: 2.0, -0.75: 1.5, -0.5: 1.0, -0.4: 1.6, 0.0: 4.0, 0.25: 3.5, 0.5: 3.0, 0.9: 0.6, 1.0: 0.0}
    assert [piecewise(cell, w, -1.0, 1.0, True) for w in places] == pytest.approx(list(places.values()))


def test_soft_bounds_follow_the_exponential_of_the_pulse_count():
    # Chen et al., NeuroSim: G(P) = B (1 - exp(-P / A)) + G_min, with -1 / A = log(1 - step / range) here
    cell = certain(SoftBounds(), step=0.05)
    s, a = at(cell, -1.0), -1 / math.log(1 - 0.05)
    assert [cell.read(pulsed(cell, s, p), ()) for p in (1, 10, 31)] == pytest.approx([2 * (1 - math.exp(-p / a)) - 1 for p in (1, 10, 31)])


# ---------------------------------------------------------------- the symmetry point


def test_pulses_up_and_down_in_turn_end_at_the_symmetry_point():
    cell = certain(SoftBounds(), step=0.01, asymmetry=0.4, high=0.9, low=-0.7)
    s = at(cell, -0.3)
    for _ in range(2_000):
        s = pulsed(cell, pulsed(cell, s, 1), -1)
    up, down = 0.01, 0.006
    # after a pulse down; the middle between the turns is half a step higher
    assert cell.read(s, ()) == pytest.approx((up - down) / (up / 0.9 + down / 0.7), abs=0.005)


def test_read_against_its_symmetry_point_a_device_comes_to_rest_at_zero():
    cell = certain(SoftBoundsReference(reference="symmetry"), step=0.01, asymmetry=0.4, high=0.9, low=-0.7)
    s = at(cell, 0.4)
    assert s.reference == pytest.approx(0.004 / (0.01 / 0.9 + 0.006 / 0.7))
    for _ in range(2_000):
        s = pulsed(cell, pulsed(cell, s, 1), -1)
    assert cell.read(s, ()) == pytest.approx(0.0, abs=0.005)


def test_the_filamentary_device_drifts_away_from_zero_when_it_is_driven_at_random():
    # its pulses balance where up * y_up = down * y_down: below 0, and no reference corrects it
    cell = certain(PRESETS["reram-es"])
    s = at(cell, 0.0)
    for _ in range(3_000):
        s = pulsed(cell, pulsed(cell, s, 1), -1)
    w, weak = s.w, 1 - 0.259359
    assert exponential(cell, w, -1.0, 1.0, True) == pytest.approx(weak * exponential(cell, w, -1.0, 1.0, False), rel=0.01)
    assert w < -0.1


# ---------------------------------------------------------------- log-normal devices and the reference


def test_log_normal_steps_have_the_stated_logarithms():
    cell, rng, n = as_numbers(PRESETS["reram-array-om"]._replace(asymmetry_spread=0.0)), np.random.default_rng(1), 4_000
    logs = np.log([cell.make(tuple(draw(rng, letter) for letter in cell.draws["make"])).up for _ in range(n)])
    assert abs(logs.mean() - math.log(0.0949)) < 5 * 0.7829 / math.sqrt(n)
    assert abs(logs.std() - 0.7829) < 5 * 0.7829 / math.sqrt(2 * n)


def test_the_reference_misses_the_symmetry_point_by_its_spread():
    cell, rng, n = SoftBoundsReference(asymmetry_spread=0.0, reference_spread=0.05), np.random.default_rng(2), 4_000
    cell = as_numbers(cell)
    references = [cell.make(tuple(draw(rng, letter) for letter in cell.draws["make"])).reference for _ in range(n)]
    assert abs(np.mean(references)) < 5 * 0.05 / math.sqrt(n) and abs(np.std(references) - 0.05) < 5 * 0.05 / math.sqrt(2 * n)


def test_lifetimes_differ_from_capacitor_to_capacitor():
    cell, rng, n = as_numbers(PRESETS["capacitor"]._replace(leak_spread=0.1)), np.random.default_rng(3), 4_000
    lifetimes = [1 / cell.make(tuple(draw(rng, letter) for letter in cell.draws["make"])).leak for _ in range(n)]
    assert abs(np.mean(lifetimes) - 1e3) < 5 * 100 / math.sqrt(n) and abs(np.std(lifetimes) - 100) < 5 * 100 / math.sqrt(2 * n)


# ---------------------------------------------------------------- an update by pulses is right on average


def test_a_rank_one_update_has_its_mean():
    # the example of Gokmen & Vlasov's update as IBM's kit computes it: 0.5 d x', steps of 0.001, each entry within the pulses' reach
    x, d, n = np.array([0.8, -0.3, 0.05]), np.array([0.02, -0.007]), 4_000
    cell, rng = certain(ConstantStep(), step=0.001), np.random.default_rng(4)
    s = at(cell, 0.0)
    for asked in 0.5 * np.outer(d, x).ravel():
        got = [cell.read(cell.write(s, asked, 0.0, (draw(rng, "u"), 0.0))[0], ()) for _ in range(n)]
        assert abs(np.mean(got) - asked) < 5 * 0.0005 / math.sqrt(n)  # rounding spreads by no more than half a step


# ---------------------------------------------------------------- presets and chips


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_sound_and_makes_a_chip(name):
    assert Chip(cell=check(PRESETS[name])).cell is PRESETS[name]


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_keeps_the_contract(name):
    # wide bounds cut many devices short of full scale, and lower ones stand at -0.75; its noise is weighed elsewhere
    check_cell(PRESETS[name]._replace(cycle_noise=0.3), tolerance=0.4)


@pytest.mark.parametrize(("chip", "preset"), CHIPS.items())
def test_a_chip_holds_its_preset_and_says_where_every_number_is_from(chip, preset):
    table = tomllib.loads((importlib.resources.files("hw_models") / "catalogue" / f"{chip}.toml").read_text("utf-8"))
    sources = table.pop("sources")
    made = configure(Chip(name=chip), table)
    assert made.cell == PRESETS[preset]
    assert all(any(key == field or key.startswith(f"{field}.") for key in sources) for field in table if field != "summary")
    for key, source in sources.items():
        part, _, field = key.partition(".")
        assert part in KINDS and hasattr(getattr(made, part), field or "_fields")
        assert "(READ)" in source or "our choice" in source


def test_presets_are_of_the_step_that_their_papers_were_fitted_with():
    kinds = {name: type(part) for name, part in PRESETS.items()}
    assert {name for name, kind in kinds.items() if kind is LinearStep} == {"capacitor", "ecram", "ecram-mo"}
    assert {name for name, kind in kinds.items() if kind is ConstantStep} == {"gokmen-vlasov", "idealized"}


@pytest.mark.parametrize(
    ("name", "step", "asymmetry", "high", "low", "spreads", "cycle", "write", "others"),
    [
        ("reram-es", 0.00135, 0.259359, 1, -1, (0.2, 0.05, 0.3, 0.3), 5.0, 75,
         {"a": -0.5, "b": -0.5, "up_gamma": 5, "down_gamma": 5, "up_amplitude": -1.18445, "down_amplitude": -0.081404}),
        ("reram-sb", 0.002, 0, 1.25, -0.75, (0.3, 0.01, 0.24, 0.4), 3.75, 56,
         {"law": "normal", "reference": "zero", "reference_spread": 0}),
        ("reram-array-om", 0.0949, 0, 1, -1, (0.7829, 0.01, 0.3499, 0.5695), 0.4158, 1.4113,
         {"law": "log-normal", "reference": "symmetry", "reference_spread": 0.05, "stuck": 0}),
        ("reram-array-hfo2", 0.4622, 0, 1, -1, (0.7125, 0.01, 0.4295, 0.5990), 0.2174, 0.5841,
         {"law": "log-normal", "reference": "symmetry", "reference_spread": 0.05, "stuck": 0}),
        ("capacitor", 0.005, 0, 1, -1, (0.1, 0.06, 0.07, 0.07), 0.3, None,
         {"up_slope": 0.05, "down_slope": 0.05, "slope_spread": 0.01, "noise": "additive", "leak": 1e-3, "leak_spread": 0.3}),
        ("ecram", 0.002, 0, 1.1724, -0.8276, (0.1, 0.01, 0.05, 0.05), 0.3, None,
         {"up_slope": 0.1153, "down_slope": 0.5085, "slope_spread": 0.05, "noise": "multiplicative", "leak": 0}),
        ("ecram-mo", 2.8214e-4, 0, 1.1714, -0.8286, (0.1, 0.01, 0.05, 0.05), 2.0, None,
         {"up_slope": 0.4152, "down_slope": 0.7342, "slope_spread": 0.05, "noise": "multiplicative", "leak": 0}),
        ("gokmen-vlasov", 0.0016, 0, 1, -1, (0.3, 0.01, 0.3, 0.3), 0.3, None, {}),
        ("idealized", 0.0002, 0, 1, -1, (0.3, 0, 0.3, 0.3), 0.3, None, {}),
    ],
)  # fmt: skip
def test_a_preset_is_the_published_fit(name, step, asymmetry, high, low, spreads, cycle, write, others):
    """Every number once more, read off the kit's own table; lifetimes of 1e6 mini-batches are 1000 s in steps of 1 ms."""
    part = PRESETS[name]
    found = (
        part.step,
        part.asymmetry,
        part.high,
        part.low,
        tuple(getattr(part, f"{kind}_spread") for kind in ("step", "asymmetry", "high", "low")),
        part.cycle_noise,
    )
    assert found == (step, asymmetry, high, low, spreads, cycle)
    assert getattr(part, "write_noise", None) == write and {f: getattr(part, f) for f in others} == others


def test_the_one_sided_preset_is_the_published_fit():
    """A spread of 0.2 of the step and of 0.05 between directions are one of 0.206 where pulses go one way."""
    part = PRESETS["pcm-one-sided"]
    assert (part.step, part.high, part.high_spread, part.a, part.b, part.gamma, part.amplitude) == (0.01, 2, 0.1, -1, 0, 2.5, -27.235)
    assert (part.cycle_noise, part.noise_floor, part.noise_slope, part.reset) == (0.6, 0.042, 0.108, 0.01)
    assert part.step_spread == pytest.approx((0.2**2 + 0.05**2) ** 0.5, abs=5e-4)


@pytest.mark.parametrize(
    ("kind", "others", "bounds", "up", "down"),
    [
        # a step of 0.12 and bounds of 1.2 and -0.8; slopes are those of the mean bounds, 1 and -1: 0.12 (1 - 0.5 * 0.6)
        (LinearStep, {"up_slope": 0.5, "down_slope": 0.5, "slope_spread": 0.0}, (1.0, -1.0), 0.084, -0.084),
        # soft bounds are the device's own: 0.12 (1 - 0.6 / 1.2) and 0.12 (1 - 0.6 / 0.8)
        (SoftBounds, {}, (1.0, -1.0), 0.06, -0.03),
        # so is the range of an exponential, 2.4: 0.12 (1 + 1.18445 exp(-5 * 0.75)) and 0.12 (1 + 0.081404 exp(5 * 0.25))
        (ExponentialStep, {"asymmetry": 0.0, "write_noise": 2.0}, (1.0, 1.0), 0.123343, -0.154096),
    ],
)
def test_a_device_moves_by_its_own_step_between_its_own_bounds(kind, others, bounds, up, down):
    fields = {"step": 0.1, "step_spread": 0.2, "asymmetry_spread": 0.0, "high_spread": 0.2, "low_spread": 0.2, "cycle_noise": 0.3}
    cell = as_numbers(kind(**fields, **others))
    s = cell.make((1.0, 0.0, *bounds, 0.5, 0.5, 0.0, 0.0, 0.0)[: len(kind.draws["make"])])
    for w, dw, moved in ((0.6, 0.1, up), (-0.6, -0.1, down)):
        there = cell.program(s, w, 0.0, ())
        found, hit = cell.write(there, dw, 0.0, (0.5, 0.0, 1.0))
        assert hit == 1.0 and found.w - w == pytest.approx(moved, abs=1e-6)
        noisy, _ = cell.write(there, dw, 0.0, (0.5, 1.0, 0.0))
        # one standard deviation: 0.3 of the device's step, or of what an exponential makes of it
        assert noisy.w - found.w == pytest.approx(0.3 * (moved if kind is ExponentialStep else 0.12 if dw > 0 else -0.12), abs=1e-6)
        if kind is ExponentialStep:
            assert found.shown - found.w == pytest.approx(2.0 * 0.1)  # of the mean step, not of the device's
