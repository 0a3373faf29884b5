"""What all pulsed cells share: devices that differ, changes that become pulses, trains that equal single pulses, bounds, time.

Of n numbers, the mean is off by sigma / sqrt(n), the standard deviation by sigma / sqrt(2 n); both are held to five times that.
"""

import math
import pickle

import numpy as np
import pytest
from scipy import stats

from hw_models import ALL_CELLS, InputError
from hw_models.cells import ConstantStep, ExponentialStep, LinearStep, PiecewiseStep, PowerStep, SoftBounds, SoftBoundsReference
from hw_models.cells.pulsed import MAKE, Pulsed, coincidences, geometric, powers, pulses, within
from hw_models.parts import check, describe
from hw_models.testing import as_numbers, check_cell, draw

PULSED = [ConstantStep, LinearStep, SoftBounds, SoftBoundsReference, ExponentialStep, PowerStep, PiecewiseStep]
SHOWN = [SoftBoundsReference, ExponentialStep]
N = 4_000
each = pytest.mark.parametrize("kind", PULSED, ids=lambda kind: kind.__name__)


def numbers(kind, **changes):
    return as_numbers(kind(**changes))


def certain(kind, **changes):
    """A cell without any chance: equal devices, no noise."""
    chances = ("_spread", "_noise", "asymmetry")
    return numbers(kind, **{**{f: 0.0 for f in kind._fields if f.endswith(chances)}, **changes})


def drawn(cell, method, rng):
    return tuple(draw(rng, letter) for letter in type(cell).draws[method])


def made(cell, seed=0, n=N):
    rng = np.random.default_rng(seed)
    return [cell.make(drawn(cell, "make", rng)) for _ in range(n)]


def still(cell, method):
    """Random numbers of no noise, and rounding in the middle."""
    return tuple(0.5 if letter == "u" else 0.0 for letter in type(cell).draws[method])


def one(cell):
    return cell.make(still(cell, "make"))


def written(cell, s, dw, *rest):
    return cell.write(s, dw, 0.0, (*rest, *still(cell, "write")[len(rest) :]))


def start(cell, w):
    return cell.program(one(cell), w, 0.0, ())


def agrees(values, mean, sigma):
    n = len(values)
    return abs(np.mean(values) - mean) < 5 * sigma / np.sqrt(n) and abs(np.std(values) - sigma) < 5 * sigma / np.sqrt(2 * n)


@each
def test_it_keeps_the_contract(kind):
    check_cell(kind())
    check_cell(kind(update="trains"))
    check_cell(kind(update="exact"))
    assert kind in ALL_CELLS.values()


@each
def test_it_is_one_plain_named_tuple_with_every_meaning(kind):
    part = kind(step=0.003)
    assert pickle.loads(pickle.dumps(part)) == part and kind.__mro__[1:] == (tuple, object)
    assert part._fields[0] == "step" and set(part._fields) >= set(Pulsed._fields)
    assert all(meaning for _, _, _, meaning in describe(part))


def test_a_derived_cell_says_last_what_a_field_means():
    meanings = {name: meaning for name, _, _, meaning in describe(PowerStep())}
    assert meanings["step"].endswith("where the whole range is ahead.") and meanings["high"] == "Mean upper bound."
    assert PowerStep().step == 0.004 and Pulsed().step == 0.002


# ---------------------------------------------------------------- devices


@each
def test_devices_differ_in_their_step_and_their_bounds_as_stated(kind):
    cell = numbers(kind, step=0.01, step_spread=0.15, asymmetry=0.0, asymmetry_spread=0.0, high_spread=0.1, low_spread=0.2)
    devices = made(cell)
    assert all(s.up == s.down for s in devices)
    assert agrees([s.up for s in devices], 0.01, 0.0015)
    assert agrees([s.high for s in devices], 1.0, 0.1)
    assert agrees([s.low for s in devices], -1.0, 0.2)


@each
def test_the_spread_of_asymmetry_gives_one_direction_what_the_other_loses(kind):
    devices = made(numbers(kind, step=0.01, step_spread=0.0, asymmetry=0.0, asymmetry_spread=0.1))
    assert all(s.up + s.down == pytest.approx(0.02) for s in devices)
    assert agrees([s.up - s.down for s in devices], 0.0, 0.002)


@each
@pytest.mark.parametrize(("asymmetry", "up", "down"), [(0.0, 0.01, 0.01), (0.25, 0.01, 0.0075), (-0.25, 0.0075, 0.01)])
def test_a_constant_asymmetry_weakens_one_direction_only(kind, asymmetry, up, down):
    s = one(certain(kind, step=0.01, asymmetry=asymmetry))
    assert (s.up, s.down) == pytest.approx((up, down))


@each
def test_stuck_devices_are_as_many_as_stated_and_nothing_moves_them(kind):
    cell, rng = numbers(kind, stuck=0.2), np.random.default_rng(1)
    devices = made(cell)
    stuck = [s for s in devices if s.high == s.low]
    assert abs(len(stuck) - 0.2 * N) < 5 * np.sqrt(N * 0.2 * 0.8)
    held = np.array([s.high for s in stuck])
    assert abs(held.mean()) < 5 / np.sqrt(3 * held.size) and held.min() < -0.9 and held.max() > 0.9  # anywhere between the bounds
    for s in stuck[:50]:
        w = cell.read(s, ())
        s = cell.program(s, -0.7, 0.0, ())
        s, _ = cell.write(s, 0.5, 0.0, drawn(cell, "write", rng))
        s = cell.age(s, 0.0, 1e3, drawn(cell, "age", rng))
        assert cell.read(s, ()) == w


@each
def test_without_stuck_devices_none_is(kind):
    assert all(s.high > s.low for s in made(numbers(kind, high_spread=0.6, low_spread=0.6)))


# ---------------------------------------------------------------- a change becomes pulses


@pytest.mark.parametrize(
    ("dw", "u", "n"),
    [
        (0.0, 0.001, 0.0),
        (0.004, 0.41, 0.0),
        (0.004, 0.39, 1.0),
        (-0.004, 0.39, 1.0),
        (0.025, 0.6, 2.0),
        (0.025, 0.4, 3.0),
        (9.0, 0.5, 31.0),
    ],
)
def test_a_change_is_rounded_stochastically_to_pulses_and_limited(dw, u, n):
    assert pulses(certain(ConstantStep, step=0.01), dw, u) == n


# at 5 standard errors of a mean, and of a variance: that of (n - mean)**2 over the root of the draws
@pytest.mark.parametrize(("slots", "p"), [(31, 0.01 / 31), (31, 0.1), (31, 0.5), (31, 0.51), (31, 0.97), (7, 0.3), (1, 0.4)])
def test_coincidences_are_binomial(slots, p):
    rng, draws, law = np.random.default_rng(10), 20_000, stats.binom(slots, p)
    found = np.array([coincidences(float(slots), p, draw(rng, "u")) for _ in range(draws)])
    spread = (law.std() ** 4 * (law.stats("k") + 2) / draws) ** 0.5
    assert abs(found.mean() - law.mean()) < 5 * law.std() / draws**0.5 and abs(found.var() - law.var()) < 5 * spread
    # Dvoretzky, Kiefer and Wolfowitz: as rarely beyond it as a normal number is beyond 5 standard deviations
    bound = (math.log(2 / 5.7e-7) / (2 * draws)) ** 0.5
    counted = np.array([(found <= k).mean() for k in range(slots + 1)])
    assert np.abs(counted - law.cdf(np.arange(slots + 1))).max() < bound


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("p", [0.003, 0.2, 0.5, 0.8])
def test_coincidences_are_the_inverse_of_the_distribution(dtype, p):
    # away from its steps, by more than float32 adds up to
    law = stats.binom(31, p)
    for u in np.linspace(0.0005, 0.9995, 500):
        if min(abs(law.sf(np.arange(32)) - u)) > 1e-5:
            assert coincidences(dtype(31), dtype(p), dtype(u)) == law.isf(u)


def test_without_and_with_certain_coincidences():
    assert coincidences(31.0, 0.0, 2.0**-24) == 0.0 and coincidences(31.0, 1.0, 1.0 - 2.0**-24) == 31.0
    assert coincidences(8.0, 7.5, 0.3) == 8.0  # a change beyond what the trains can do


def test_a_rank_one_update_by_trains_has_the_published_mean_and_variance():
    # x = -0.3 and d = 0.02 of Gokmen & Vlasov's update with 8 slots, rate 0.5 and steps of 0.001: 3 pulses down, variance 1.875
    cell, rng, n = certain(ConstantStep, step=0.001, longest=8, update="trains"), np.random.default_rng(11), 20_000
    s = start(cell, 0.0)
    moved = [cell.read(cell.write(s, -0.003, 0.0, (draw(rng, "u"), 0.0))[0], ()) for _ in range(n)]
    assert abs(np.mean(moved) + 0.003) < 5 * 0.001 * math.sqrt(1.875 / n)
    assert abs(np.var(moved) - 1.875e-6) < 5 * 1.875e-6 * math.sqrt((stats.binom(8, 0.375).stats("k") + 2) / n)


@each
@pytest.mark.parametrize("dw", [0.0003, -0.0137])
def test_many_small_changes_are_right_on_average(kind, dw):
    cell, rng = certain(kind, step=0.004), np.random.default_rng(2)
    s = start(cell, 0.1)
    changes, hits = zip(
        *[(cell.read(t, ()) - 0.1, hit) for t, hit in (written(cell, s, dw, draw(rng, "u")) for _ in range(N))], strict=True
    )
    n = abs(dw) / 0.004
    sigma = math.sqrt((n - math.floor(n)) * (1 - n + math.floor(n)))  # of one rounding: it meets one of two neighbours
    assert abs(np.mean(hits) - n) < 5 * sigma / math.sqrt(N)
    step = abs(cell.read(written(cell, s, math.copysign(0.004, dw))[0], ()) - 0.1)
    # the average change is that of the pulses; within a train of four the step itself changes by less than 3 %
    assert abs(np.mean(changes) - math.copysign(step * n, dw)) < 5 * step * sigma / math.sqrt(N) + 0.03 * step * n


@each
@pytest.mark.parametrize("update", ["pulses", "trains"])
def test_no_write_moves_a_device_beyond_its_chance_in_either_float_type(kind, update):
    rng = np.random.default_rng(12)
    for number in (np.float32, np.float64):
        cell = kind(*map(number, numbers(kind, update=update, longest=rng.integers(1, 32))))
        for dw in number(cell.step) * number(10) ** rng.uniform(-6, 0, 300).astype(number):
            above = number(np.ceil(float(cell.chance(dw)) * 2**23 - 0.5) + 0.5) * number(2**-23)  # of what is drawn, the next number
            assert above > 1 or pulses(cell, dw, above) == 0


@each
def test_a_change_that_no_pulse_came_of_leaves_everything(kind):
    cell = numbers(kind)
    s = start(cell, 0.3)
    assert cell.write(s, 0.2 * cell.step, 0.0, (0.9, 2.0, 2.0)) == (s, 0.0)
    assert cell.write(s, 0.0, 0.0, (0.001, 2.0, 2.0)) == (s, 0.0)


@each
def test_exact_programming_ends_where_it_was_asked_to(kind):
    cell, rng = numbers(kind, update="exact", cycle_noise=5.0), np.random.default_rng(3)
    s = start(cell, 0.3)
    s, hit = cell.write(s, -0.4321, 0.0, drawn(cell, "write", rng))
    assert cell.read(s, ()) == pytest.approx(-0.1321) and hit == 1.0
    assert cell.write(s, 0.0, 0.0, drawn(cell, "write", rng)) == (s, 0.0)


@each
@pytest.mark.parametrize("dw", [-9.0, 9.0])
def test_bounds_are_kept_whatever_the_noise(kind, dw):
    cell, rng = numbers(kind, step=0.05, step_spread=0.4, cycle_noise=5.0, high_spread=0.3, low_spread=0.3), np.random.default_rng(4)
    for s in made(cell, seed=5, n=100):
        for _ in range(20):
            s, _ = cell.write(s, dw, 0.0, drawn(cell, "write", rng))
            assert s.low <= s[0] <= s.high and -1.0 <= cell.read(s, ()) <= 1.0


# ---------------------------------------------------------------- n pulses are n single pulses


@pytest.mark.parametrize("q", [0.0, 0.3, 0.999, 1.0, 1.5])
def test_the_sum_of_powers_is_that_of_the_powers(q):
    for n in range(32):
        assert geometric(q, float(n)) == pytest.approx(sum(q**k for k in range(n)), rel=1e-13)
        assert powers(q, float(n))[1] == pytest.approx(q**n, rel=1e-13)


def apart(kind, w, dw, n, **changes):
    """Where n pulses in one write end and where n single ones do, as seen; and how far those went."""
    cell = certain(kind, **changes)
    s = start(cell, w)
    together, hit = written(cell, s, math.copysign(n * cell.step, dw))
    assert hit == n
    for _ in range(n):
        s, _ = written(cell, s, math.copysign(cell.step, dw))
    return cell.read(together, ()), cell.read(s, ()), abs(cell.read(s, ()) - w)


@pytest.mark.parametrize("n", [1, 2, 7, 31])
@pytest.mark.parametrize("dw", [1.0, -1.0])
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ConstantStep, {}),
        (LinearStep, {"up_slope": 0.4, "down_slope": 0.7, "high": 1.2, "low": -0.8}),
        (LinearStep, {"noise": "multiplicative", "step": 0.1}),
        (SoftBounds, {"high": 0.8, "step": 0.3}),
        (SoftBoundsReference, {"step": 0.4622, "high": 1.3}),
        (PiecewiseStep, {"step": 0.01}),  # its table is a straight line by default
    ],
)
def test_a_train_of_straight_steps_is_exactly_its_single_pulses(kind, changes, dw, n):
    for w in (-0.75, 0.0, 0.6):
        together, single, _ = apart(kind, w, dw, n, **changes)
        assert together == pytest.approx(single, abs=1e-12)


@pytest.mark.parametrize(
    ("kind", "dw", "n", "error"),  # of the way that the single pulses went, the largest over the range
    [
        (ExponentialStep, 1.0, 2, 1e-12), (ExponentialStep, -1.0, 2, 1e-12), (PowerStep, 1.0, 2, 1e-11), (PiecewiseStep, 1.0, 2, 1e-12),
        (ExponentialStep, 1.0, 5, 1e-4), (ExponentialStep, -1.0, 5, 4e-3), (ExponentialStep, 1.0, 31, 4e-3),
        (ExponentialStep, -1.0, 31, 0.12),
        (PowerStep, 1.0, 31, 5e-4), (PowerStep, -1.0, 31, 5e-4),
    ],
)  # fmt: skip
def test_a_train_of_curved_steps_misses_its_single_pulses_by_no_more_than_stated(kind, dw, n, error):
    changes = {"step": 0.00135, "asymmetry": 0.0} if kind is ExponentialStep else {}
    for w in np.linspace(-1.0, 1.0, 41):
        together, single, way = apart(kind, w, dw, n, **changes)
        assert abs(together - single) <= error * way + 1e-12


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        (ConstantStep, {}), (LinearStep, {}), (LinearStep, {"noise": "multiplicative"}), (SoftBounds, {"step": 0.05}),
        (SoftBoundsReference, {"step": 0.05}), (ExponentialStep, {}), (PowerStep, {}), (PiecewiseStep, {}),
    ],
)  # fmt: skip
def test_the_noise_of_a_train_is_that_of_its_single_pulses(kind, changes):
    cell, rng, n, trials = certain(kind, cycle_noise=0.3, **changes), np.random.default_rng(6), 8, 2_000
    s = start(cell, 0.2)
    together = [cell.read(cell.write(s, n * cell.step, 0.0, (0.5, *rng.standard_normal(2)))[0], ()) for _ in range(trials)]
    single = []
    for _ in range(trials):
        t = s
        for _ in range(n):
            t, _ = cell.write(t, cell.step, 0.0, (0.5, *rng.standard_normal(2)))
        single.append(cell.read(t, ()))
    sigma = np.std(single)
    assert abs(np.mean(together) - np.mean(single)) < 5 * sigma * np.sqrt(2 / trials)
    # two standard deviations, each known to 1 / sqrt(2 trials), and 3 % for the step's change within a train
    assert abs(np.std(together) - sigma) < sigma * (5 / np.sqrt(trials) + 0.03)


# ---------------------------------------------------------------- write noise: the seen weight and the one behind it


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_what_is_seen_is_noisy_but_what_is_behind_it_is_not(kind):
    cell, rng = certain(kind, step=0.001, write_noise=50.0), np.random.default_rng(7)
    s = start(cell, 0.2)
    ends = [cell.write(s, 0.001, 0.0, (0.5, *rng.standard_normal(2)))[0] for _ in range(N)]
    (behind,) = {t[0] for t in ends}
    assert agrees([cell.read(t, ()) for t in ends], behind, 0.05)


@pytest.mark.parametrize("kind", SHOWN, ids=lambda kind: kind.__name__)
def test_write_noise_does_not_add_up(kind):
    cell, rng = certain(kind, step=1e-4, write_noise=500.0), np.random.default_rng(8)
    s, seen = start(cell, 0.0), []
    for k in range(2_000):
        s, _ = cell.write(s, 1e-4 if k % 2 else -1e-4, 0.0, (0.5, *rng.standard_normal(2)))
        seen.append(cell.read(s, ()))
    assert np.std(seen) < 0.05 * (1 + 5 / np.sqrt(2 * 2_000)) + 0.01  # a walk of 2000 such writes would spread by 2.2


# ---------------------------------------------------------------- time


@each
def test_a_device_decays_in_its_lifetime(kind):
    cell = certain(kind, leak=0.01)
    s = start(cell, 0.8)
    u = still(cell, "age")
    assert cell.read(cell.age(s, 5.0, 105.0, u), ()) == pytest.approx(0.8 / math.e, rel=1e-6)
    halfway = cell.age(cell.age(s, 5.0, 55.0, u), 55.0, 105.0, u)
    assert cell.read(halfway, ()) == pytest.approx(0.8 / math.e, rel=1e-6)


@each
def test_diffusion_grows_with_the_root_of_time(kind):
    cell, rng = certain(kind, diffusion=0.01), np.random.default_rng(9)
    s = start(cell, 0.1)
    assert agrees([cell.read(cell.age(s, 1.0, 26.0, drawn(cell, "age", rng)), ()) for _ in range(N)], 0.1, 0.05)


@each
def test_without_leak_and_diffusion_time_changes_nothing(kind):
    cell = numbers(kind)
    s = start(cell, 0.37)
    assert cell.age(s, 0.0, 1e9, (3.0,)) == s


# ---------------------------------------------------------------- refused


@each
@pytest.mark.parametrize(
    "wrong",
    [{"step": 0.0}, {"longest": 0}, {"longest": 32}, {"high": 0.0}, {"low": 0.0}, {"stuck": 1.1}, {"leak": -1.0}, {"update": "fast"}],
)
def test_impossible_numbers_are_refused(kind, wrong):
    with pytest.raises(InputError, match=f"{kind.__name__}.{next(iter(wrong))} must be"):
        check(kind(**wrong))


def test_within_and_the_letters_of_make():
    assert (within(2.0, -1.0, 1.0), within(-2.0, -1.0, 1.0), within(0.5, -1.0, 1.0)) == (1.0, -1.0, 0.5)
    assert all(kind.draws["make"].startswith(MAKE) for kind in PULSED)
