"""The reward wire."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis.strategies import floats

from hw_models import Chip, DigitalWire, ExactWire, InputError, Nothing
from hw_models.parts import check
from neurosim.network import Network
from neurosim.rules import Learning, Perturbation
from neurosim.simulator import Simulator

PRESENT = 0.5, 0.0, 0.5  # draws of a broadcast: rounding, noise, whether it is lost


def received(wire, values, u=PRESENT):
    """What arrives, step by step, if these values are sent; None where nothing is sent or nothing arrives."""
    s, got = wire.make(()), []
    for value in values:
        s, number, valid = wire.wait(s) if value is None else wire.send(s, value, u)
        got.append(number if valid else None)
    return got


@given(floats(allow_nan=False))
def test_the_exact_wire_delivers_everything_at_once(value):
    assert ExactWire().send(Nothing(), value, ()) == (Nothing(), value, True)


@pytest.mark.parametrize(
    ("value", "u", "expected"),
    [(0.3, 0.7, 0.25), (0.3, 0.9, 0.5), (-0.3, 0.1, -0.5), (-0.3, 0.3, -0.25), (9.0, 0.5, 0.75), (-9.0, 0.5, -1.0), (0.5, 0.999, 0.5)],
)
def test_three_bits(value, u, expected):
    assert received(DigitalWire(3, 1.0), [value], (u, 1.7, 0.5)) == [expected]


def test_a_reward_below_one_level_arrives_on_average():
    """A level of 2 sent with probability 0.05: n numbers miss the mean by 5 * 2 * sqrt(p (1 - p) / n) once in two million times."""
    wire, n, p = DigitalWire(4, 16.0), 10_000, 0.05
    mean = np.mean([received(wire, [-2.0 * p], (u, 0.0, 0.5)) for u in np.random.default_rng(5).random(n)])
    assert abs(mean + 2.0 * p) < 5 * 2.0 * np.sqrt(p * (1 - p) / n)


# ---------------------------------------------------------------- late, disturbed, lost


@pytest.mark.parametrize("delay", range(9))
def test_a_reward_arrives_so_many_steps_later(delay):
    values = [k / 16 for k in range(1, 12)]
    assert received(DigitalWire(8, 1.0, delay), values) == [None] * delay + values[: 11 - delay]


@pytest.mark.parametrize("delay", range(9))
def test_steps_without_a_reward_take_as_long(delay):
    values = [0.25, None, None, -0.5, None, 0.0, 0.125, None, None, None, 0.5, None]
    assert received(DigitalWire(8, 1.0, delay), values) == [None] * delay + values[: 12 - delay]


def test_noise_is_added_to_what_is_sent():
    assert received(DigitalWire(4, 8.0, noise=2.0), [1.0, 3.0], (0.5, 1.5, 0.5)) == [4.0, 6.0]
    assert received(DigitalWire(4, 8.0, noise=2.0), [1.0], (0.5, 99.0, 0.5)) == [7.0]  # the sum saturates, not the number alone


def test_the_size_of_the_noise():
    """n normal numbers: their mean misses by 5 sigma / sqrt(n), their variance by 5 sigma**2 sqrt(2 / n); a level of 2**-13 adds nothing to see."""
    wire, n, rng = DigitalWire(16, 4.0, noise=0.3), 10_000, np.random.default_rng(6)
    got = np.array([received(wire, [0.5], u)[0] for u in zip(rng.random(n), rng.standard_normal(n), rng.random(n), strict=True)])
    assert abs(got.mean() - 0.5) < 5 * 0.3 / np.sqrt(n)
    assert abs(got.var() / 0.09 - 1) < 5 * np.sqrt(2 / n)


@pytest.mark.parametrize("delay", [0, 3])
def test_the_share_of_lost_broadcasts(delay):
    """Of n broadcasts, the share that arrives misses 1 - p by 5 sqrt(p (1 - p) / n) at most; what arrives is whole and in its place."""
    wire, n, p = DigitalWire(8, 1.0, delay, lost=0.3), 10_000, 0.3
    s, arrived, values = wire.make(()), [], np.arange(n) % 100 / 128
    for value, u in zip(values, np.random.default_rng(7).random(n), strict=True):
        s, number, valid = wire.send(s, value, (0.5, 0.0, u))
        arrived.append(number if valid else np.nan)
    arrived = np.array(arrived)[delay:]
    there = np.isfinite(arrived)
    assert abs(there.mean() - (1 - p)) < 5 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_array_equal(arrived[there], values[: n - delay][there])


def test_all_or_nothing_is_lost():
    for u in (1e-7, 0.5, 1 - 1e-7):
        assert received(DigitalWire(8, 1.0, lost=1.0), [0.5], (0.5, 0.0, u)) == [None]
        assert received(DigitalWire(8, 1.0, lost=0.0), [0.5], (0.5, 0.0, u)) == [0.5]


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (DigitalWire(0), r"^DigitalWire\.bits must be a whole number from 1 to 24 \(bit\), got 0\.$"),
        (DigitalWire(8, 0.0), r"^DigitalWire\.limit must be a number greater than 0 \(unit of the loss\), got 0\.0\.$"),
        (DigitalWire(delay=9), r"^DigitalWire\.delay must be a whole number from 0 to 8 \(step\), got 9\.$"),
        (DigitalWire(noise=-1.0), r"^DigitalWire\.noise must be a number at least 0 \(unit of the loss\), got -1\.0\.$"),
        (DigitalWire(lost=1.1), r"^DigitalWire\.lost must be a number from 0 to 1 \(share of broadcasts\), got 1\.1\.$"),
    ],
)
def test_an_impossible_wire_is_refused(wire, message):
    with pytest.raises(InputError, match=message):
        check(wire)


# ---------------------------------------------------------------- in the loop


class Imprint(NamedTuple):
    """Adds to each weight what it saw in the step in which a reward arrives, times the reward's sign."""

    site = "current"
    needs = ()
    Register = Memory = Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return pre if reward > 0.0 else (-pre if reward < 0.0 else 0.0 * pre)


@pytest.mark.parametrize("delay", range(9))
def test_the_reward_of_one_step_is_used_so_many_steps_later(delay):
    """One step of a batch counts: what the weights then saw is the input so many steps later, or nothing if the sequence is over."""
    steps, counted = 8, np.zeros((1, 8), bool)
    counted[0, 2] = True
    inputs = np.linspace(1.0, 2.0, steps)[None, :, None]
    one = Simulator(
        Network(1, 3, 1), Chip(wire=DigitalWire(24, 64.0, delay)), 2, Learning("imprint", Imprint(), Imprint()), dtype="float64", plain=True
    )
    before = one.weights[0]
    one.learn(inputs, np.zeros((1, steps, 1)), counted)
    expected = inputs[0, 2 + delay, 0] if 2 + delay < steps else 0.0
    np.testing.assert_allclose(np.abs(one.weights[0] - before), np.full((1, 3), expected), atol=1e-12)


def learned(wire, plain, dtype, rule, data):
    one = Simulator(Network(2, 9, 2), Chip(wire=wire), 4, rule.learning(), dtype=dtype, plain=plain)
    one.learn(*data)
    return one.weights


def data(replicas=2, steps=12):
    rng = np.random.default_rng(3)
    counted = rng.random((replicas, steps)) < 0.6  # steps without a reward: the wire waits
    return rng.standard_normal((replicas, steps, 2)), rng.standard_normal((replicas, steps, 2)), counted


def test_a_late_noisy_lossy_wire_learns_the_same_compiled():
    wire, rule = DigitalWire(12, 0.1, 2, 1e-3, 0.2), Perturbation("anp", 0.05, 0.05, norm="expected", trace=0.8)
    np.testing.assert_equal(learned(wire, False, "float32", rule, data()), learned(wire, True, "float32", rule, data()))


def test_a_wire_without_delay_noise_and_losses_is_the_exact_one_but_for_its_levels():
    """24 bits over +-1 are levels of 1e-7; a step multiplies a reward by lr / sigma, here 50, so that a few steps differ by 1e-4 at most."""
    rule = Perturbation("anp", 0.05, 0.05)
    exact, digital = (learned(wire, True, "float64", rule, data()) for wire in (ExactWire(), DigitalWire(24, 1.0)))
    late = learned(DigitalWire(24, 1.0, 1), True, "float64", rule, data())
    for w, v, other in zip(exact, digital, late, strict=True):
        np.testing.assert_allclose(w, v, atol=1e-4)
        assert np.abs(w - other).max() > 1e-3


def test_a_reward_that_would_come_after_the_end_is_refused():
    rule = Perturbation("anp", reward="sequence", trace=1.0).learning()
    with pytest.raises(InputError, match=r"^The reward is sent once at the end of a sequence .*, but the wire is 2 steps late, .*\.$"):
        Simulator(Network(1, 2, 1), Chip(wire=DigitalWire(delay=2)), learning=rule)
    Simulator(Network(1, 2, 1), Chip(wire=DigitalWire()), learning=rule)
