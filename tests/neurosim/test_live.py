"""A network in an environment: step by step the same as in a sequence, and only one pass can act."""

import numpy as np
import pytest

from hw_models.chip import Chip, load
from hw_models.noise import Gaussian
from hw_models.parts import InputError
from hw_models.reward import DigitalWire
from neurosim.losses import Given, SquaredError
from neurosim.network import Network
from neurosim.rules import Learning, Perturbation
from neurosim.simulator import Simulator

NETWORK, STEPS = Network(2, 4, 2), 5
LATE = Chip(noise=Gaussian(0.1), wire=DigitalWire(bits=24, limit=16.0, delay=2))


class Series:
    """A world that shows one series after the other and rewards outputs by minus their squared error; nothing depends on what is done."""

    def __init__(self, inputs, targets):
        self.inputs, self.targets, self.t = inputs, targets, 0

    def reset(self, seed):
        self.t = 0
        return self.inputs[0]

    def step(self, y):
        reward = np.float32(0)
        for a, b in zip(y, self.targets[self.t], strict=True):
            reward -= SquaredError().value(a, b)
        self.t += 1
        ended = self.t == len(self.inputs)
        return self.inputs[self.t - ended], reward, ended


def series(replicas):
    rng = np.random.default_rng(3)
    return (*(rng.standard_normal((replicas, STEPS, 2)).astype("float32") for _ in range(2)), np.ones((replicas, STEPS), bool))


def worlds(inputs, targets):
    return [Series(*pair) for pair in zip(inputs, targets, strict=True)]


SINGLE = Perturbation("np", 1e-3, 1e-3, passes="noisy")
CASES = {
    "np": (SINGLE, Chip(noise=Gaussian(0.1)), 2),
    "np, trace, late": (SINGLE._replace(trace=0.5), LATE, 2),
    "np, reward at the end": (SINGLE._replace(trace=1.0, reward="sequence"), load("digital-8bit"), 3),
    "wp, update at the end": (SINGLE._replace(method="wp", update="sequence"), Chip(), 1),
    "oua, decorrelated": (Perturbation("oua", 1e-3, 1e-3, passes="noisy", trace=0.5, decorrelation_lr=0.01), Chip(noise=Gaussian(0.1)), 1),
}


def pair(rule, chip, plain=True):
    learning = rule.learning()
    return [Simulator(NETWORK, chip, 7, learning, loss, plain=plain) for loss in (SquaredError(), Given())]


@pytest.mark.parametrize("case", CASES)
def test_a_world_that_ignores_what_is_done_is_a_sequence(case):
    """The same bits of weights, memories, prediction and clock, and the same loss."""
    rule, chip, replicas = CASES[case]
    data, (one, other) = series(replicas), pair(rule, chip)
    for _ in range(2):
        told = one.learn(*data)
        lived = other.live(worlds(*data[:2]), [0] * replicas, STEPS, other.learning)
        np.testing.assert_equal(lived.loss, told.loss)
        assert lived.steps == told.steps == STEPS and lived.finite
    np.testing.assert_equal(other.state(), one.state())
    assert not np.array_equal(one.weights[0], Simulator(NETWORK, chip, 7, rule.learning(), plain=True).weights[0])
    np.testing.assert_equal(other.live(worlds(*data[:2]), [0] * replicas, STEPS).loss, one.evaluate(*data).loss)


class Counter:
    """Ends after as many steps as its seed says, and rewards each with 1."""

    def reset(self, seed):
        self.left = seed
        return np.ones(2)

    def step(self, y):
        self.left -= 1
        return np.ones(2), 1.0, self.left == 0


def test_episodes_of_different_lengths_end_by_themselves():
    one = pair(SINGLE, Chip())[1]
    outcome = one.live([Counter() for _ in range(3)], [1, 4, 9], 6, one.learning)
    np.testing.assert_array_equal(outcome.loss, [-1, -4, -6])
    assert outcome.steps == 6 and one.clock[0] == 6
    assert one.live([Counter()], [3], 6).loss == [-3] and one.clock[0] == 6


def test_an_episode_sends_its_return_when_it_ends_itself():
    """With a wire that hears one reward an episode, the prediction of each replica is the return of its first episode."""
    one = pair(SINGLE._replace(trace=1.0, reward="sequence"), Chip())[1]
    one.live([Counter() for _ in range(3)], [1, 4, 9], 6, one.learning)
    np.testing.assert_array_equal(one.state()["prediction.0.mean"], [-1, -4, -6])


def test_the_noisy_pass_acts_and_the_clean_one_only_compares():
    """Reward-modulated learning runs two passes; what the environment is given is what the perturbed one put out."""
    given = []

    class Watch(Counter):
        def step(self, y):
            given.append(y.copy())
            return super().step(y)

    one = pair(Perturbation("nrl", 0.0, 0.0, norm="expected"), Chip(noise=Gaussian(0.5)))[1]
    one.live([Watch()], [4], 4, one.learning)
    noisy, given = np.array(given), []
    one.live([Watch()], [4], 4)
    assert (abs(noisy - np.array(given)) > 1e-3).all()


@pytest.mark.parametrize(
    "rule", [Perturbation("np"), Perturbation("anp"), Perturbation("wp", passes="noisy-noisy"), Perturbation("nrl", samples=2)]
)
def test_rules_that_compare_passes_are_refused(rule):
    one = pair(rule, Chip())[1]
    with pytest.raises(InputError, match=r"cannot be cloned, so that only one pass can act in it, but rule .*use nrl, oua, or np or wp"):
        one.live([Counter()], [1], 6, one.learning)
    with pytest.raises(InputError, match=r"cannot be cloned"):
        one.live([Counter()], [1], 6, Learning("np", *[rule.learning().rule] * 2))


def test_plain_and_compiled_turns_have_the_same_bits():
    data = series(2)
    plain, fast = (pair(SINGLE._replace(trace=0.5), LATE, plain)[1] for plain in (True, False))
    for one in (plain, fast):
        one.live(worlds(*data[:2]), [0, 0], STEPS, one.learning)
    np.testing.assert_equal(fast.state(), plain.state())
