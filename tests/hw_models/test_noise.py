"""Every noise source has the standard deviation that it states, whatever it is; and what else each of them promises."""

import math
from typing import Annotated, NamedTuple

import numpy as np
import pytest

from hw_models import (
    ALL_NOISES,
    Bernoulli,
    Bits,
    Chip,
    Crossbar,
    Gaussian,
    InputError,
    Nothing,
    Quantiser,
    Recorded,
    Silent,
    SumOfBytes,
    Telegraph,
    Uniform,
)
from hw_models.noise import Level, Place, happens, two_bytes
from hw_models.parts import check
from hw_models.protocols import Noise
from hw_models.testing import check_noise
from neurosim.network import Network
from neurosim.neurons import Linear
from neurosim.rules import Learning, Perturbation
from neurosim.simulator import Simulator
from neurosim.testing import compare_with_plain

assert ALL_NOISES


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    path = tmp_path_factory.mktemp("noise") / "noise.npy"
    np.save(path, 3.0 + np.random.default_rng(2).exponential(2.0, 500))
    return str(path)


@pytest.mark.parametrize("sigma", [1e-3, 0.5, 20.0])
@pytest.mark.parametrize("kind", ALL_NOISES.values(), ids=ALL_NOISES)
def test_sigma_is_the_standard_deviation(kind, sigma, recording):
    check_noise(kind(sigma, recording) if kind is Recorded else kind(sigma=sigma))


@pytest.mark.parametrize(
    ("noise", "u", "xi"),
    [
        (Gaussian(0.1), -2.0, -0.2),
        (Bernoulli(0.1), 0.49, 0.1),
        (Bernoulli(0.1), 0.51, -0.1),
        (Uniform(0.1), 0.0, -0.1 * np.sqrt(3)),
        (Uniform(0.1), 0.5, 0.0),
        (Uniform(0.1), 1.0, 0.1 * np.sqrt(3)),
    ],
)
def test_one_number_from_one_draw(noise, u, xi):
    state, got = noise.next(Nothing(), (u,))
    assert state == Nothing() and got == pytest.approx(xi, abs=1e-15)


# ---------------------------------------------------------------- sums of bytes


def uniforms(bits):
    """Uniform numbers as the loop draws them, from their 23 bits."""
    return (np.asarray(bits) + 0.5) * 2.0**-23


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_uniform_number_gives_two_bytes(dtype):
    bits = np.random.default_rng(1).integers(0, 2**23, 1000)
    both, first = two_bytes(uniforms(bits).astype(dtype))
    np.testing.assert_array_equal(first, bits >> 15)
    np.testing.assert_array_equal(both, (bits >> 15) + (bits >> 7 & 255))


@pytest.mark.parametrize("k", range(1, 9))
def test_so_many_bytes_are_summed(k):
    bits = np.random.default_rng(k).integers(0, 2**23, (100, 4))
    bytes_ = np.stack([bits >> 15, bits >> 7 & 255], 2).reshape(100, 8)
    expected = 0.2 * (bytes_[:, :k].sum(1) - 127.5 * k) / np.sqrt(5461.25 * k)
    np.testing.assert_allclose([SumOfBytes(0.2, k).next(Nothing(), tuple(u))[1] for u in uniforms(bits)], expected, atol=1e-15)


@pytest.mark.parametrize("k", [1, 2])
def test_variance_and_kurtosis_of_few_bytes_over_every_value_they_take(k):
    x = [SumOfBytes(0.2, k).next(Nothing(), (uniforms(pair << 7), 0.5, 0.5, 0.5))[1] for pair in range(2**16)]
    assert abs(np.mean(x)) < 1e-15 and np.var(x) == pytest.approx(0.04, rel=1e-12)
    assert np.mean(np.power(x, 4)) / 0.04**2 - 3 == pytest.approx(-1.2 * (256**2 + 1) / (256**2 - 1) / k, rel=1e-9)


@pytest.mark.parametrize("k", [4, 8])
def test_kurtosis_of_many_bytes(k):
    """The mean of x**4 over n independent numbers misses by less than five of its standard errors."""
    n = 20_000
    x = np.array([SumOfBytes(1.0, k).next(Nothing(), tuple(u))[1] for u in np.random.default_rng(k).random((n, 4))])
    assert abs((x**4).mean() - (3 - 1.2 * (256**2 + 1) / (256**2 - 1) / k)) < 5 * (x**4).std() / np.sqrt(n)
    assert abs(x).max() <= np.sqrt(3 * k)


def test_no_bytes_give_no_noise():
    with pytest.raises(InputError, match=r"^SumOfBytes\.k must be a whole number from 1 to 8, got 0\.$"):
        check(SumOfBytes(k=0))


# ---------------------------------------------------------------- telegraph noise


def chance(noise, up):
    """The probability that a junction leaves its level within a step, found from the draw at which it does."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (middle, high) if noise.next(Level(up), (middle, 0.0))[0].up != up else (low, middle)
    return low


def run(noise, sources, steps, seed=0):
    """Levels and noise of independent junctions, (source, step) each."""
    rng = np.random.default_rng(seed)
    up, x = np.empty((2, sources, steps))
    for k in range(sources):
        s = noise.make((rng.random(),))
        for t, u in enumerate(zip(rng.random(steps).tolist(), rng.standard_normal(steps).tolist(), strict=True)):
            s, x[k, t] = noise.next(s, u)
            up[k, t] = s.up
    return up, x


def near(found, theory):
    """The mean over independent sources is within five of its standard errors of what theory says."""
    assert abs(found.mean() - theory) < 5 * found.std() / np.sqrt(len(found)), (found.mean(), theory)


TELEGRAPHS = [Telegraph(0.5), Telegraph(0.5, 3.0, 20.0, 0.4), Telegraph(0.5, 0.2, 0.1, 0.0), Telegraph(0.5, 40.0, 10.0, 0.0)]


@pytest.mark.parametrize("x", [0.0, 1e-7, 1e-3, 0.177, 1.0, 5.0, 16.0, 1000.0])
def test_the_chance_to_have_happened(x):
    assert happens(x) == pytest.approx(-math.expm1(-x), rel=2e-7)
    assert happens(np.float32(x)) == pytest.approx(-math.expm1(-x), rel=2e-6)


def test_the_measured_junction_leaves_its_level_with_the_measured_probability():
    assert chance(Telegraph(), 0.0) == chance(Telegraph(), 1.0) == pytest.approx(0.0809, abs=5e-5)
    assert Telegraph().within == pytest.approx(0.00090841466 / 0.0059316154, abs=5e-5)


@pytest.mark.parametrize("noise", TELEGRAPHS, ids=str)
def test_steps_of_half_the_length_lead_to_the_same_place(noise):
    """The chain is exact: two steps of half the length are one step."""
    half = noise._replace(up=2 * noise.up, down=2 * noise.down)
    matrix = lambda one: np.array([[1 - chance(one, 0.0), chance(one, 0.0)], [chance(one, 1.0), 1 - chance(one, 1.0)]])  # noqa: E731
    np.testing.assert_allclose(matrix(half) @ matrix(half), matrix(noise), atol=2e-7)


@pytest.mark.parametrize("noise", TELEGRAPHS, ids=str)
def test_a_junction_dwells_as_stated(noise):
    """Each step is a coin of its own: the share of n steps that leave a level misses its probability by 5 sqrt(p (1 - p) / n) at most."""
    levels, _ = run(noise, 400, 300)
    share, rate = noise.up / (noise.up + noise.down), 1 / noise.up + 1 / noise.down
    near(levels.mean(1), share)
    before, after = levels[:, :-1].ravel(), levels[:, 1:].ravel()
    for level, other in ((1.0, 1 - share), (0.0, share)):
        n, p = (before == level).sum(), other * (1 - math.exp(-rate))
        assert n > 10_000 and abs((after[before == level] != level).mean() - p) < 5 * np.sqrt(p * (1 - p) / n)


def test_a_slow_junction_dwells_for_its_dwell_time():
    for noise in (Telegraph(0.5, 1000.0, 400.0), Telegraph(0.5, 1e5, 1e5)):
        assert 1 / chance(noise, 1.0) == pytest.approx(noise.up, rel=3e-3)
        assert 1 / chance(noise, 0.0) == pytest.approx(noise.down, rel=3e-3)


@pytest.mark.parametrize("noise", TELEGRAPHS, ids=str)
def test_mean_variance_and_autocorrelation_of_telegraph_noise(noise):
    _, x = run(noise, 400, 300, seed=1)
    p, rate = noise.up / (noise.up + noise.down), 1 / noise.up + 1 / noise.down
    spread = 4 * p * (1 - p)
    near(x.mean(1), 0.0)
    near((x * x).mean(1), noise.sigma**2)
    for lag in (1, 2, 5, 20):
        near((x[:, lag:] * x[:, :-lag]).mean(1), noise.sigma**2 * spread / (spread + noise.within**2) * math.exp(-lag * rate))


def test_levels_without_noise_within_them():
    noise = Telegraph(0.4, 1.0, 3.0, 0.0)  # p = 1/4: levels 3 : -1, variance 3/16 of their distance squared
    high, low = noise.next(Level(1.0), (0.999, 0.7))[1], noise.next(Level(0.0), (0.999, 0.7))[1]
    assert high == pytest.approx(-3 * low) and high - low == pytest.approx(0.4 * 4 / np.sqrt(3))


@pytest.mark.parametrize("field", ["up", "down"])
def test_a_junction_that_never_moves_is_refused(field):
    for dwell in (0.0, np.inf):
        with pytest.raises(InputError, match=rf"^Telegraph\.{field} must be a number from 0\.001 to 100000 \(step\), got {dwell}\.$"):
            check(Telegraph()._replace(**{field: dwell}))


# ---------------------------------------------------------------- recordings


def test_a_recording_is_read_on_from_a_random_place_round_and_round(tmp_path):
    path = tmp_path / "noise.csv"
    path.write_text("1\n2.0\n6e0\n")
    noise, samples = Recorded(0.1, str(path)).opened(), 0.1 * (np.array([1.0, 2.0, 6.0]) - 3.0) / np.sqrt(14 / 3)
    for u, first in ((0.1, 0), (0.34, 1), (0.99, 2)):
        s, found = noise.make((u,)), []
        assert s == Place(first)
        for _ in range(7):
            s, xi = noise.next(s, ())
            found.append(xi)
        np.testing.assert_allclose(found, samples[(first + np.arange(7)) % 3], rtol=1e-12)


@pytest.mark.parametrize("method", [Noise.make, Noise.next], ids=lambda method: method.__name__)
def test_a_recording_is_the_same_compiled(method, recording):
    compare_with_plain(Recorded(0.1, recording), method)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("noise.npy", None, r"^There is no recording .*noise\.npy; give chip\.noise\.file the path of a \.npy or \.csv file\.$"),
        ("noise.wav", None, r"^Noise is recorded in a \.npy or \.csv file, got .*noise\.wav\.$"),
        ("noise.npy", b"not an array", r"^The recording .*noise\.npy cannot be read: .*\.$"),
        ("noise.npy", b"", r"^The recording .*noise\.npy cannot be read: .*\.$"),
        ("noise.csv", b"1.0\n2.0, 3.0\n", r"noise\.csv cannot be read: line 2 is '2\.0, 3\.0', but every line must be one number\.$"),
        ("noise.csv", b"1.0\nnan\n", r"noise\.csv must hold finite numbers, but its sample 1 is nan\.$"),
        ("noise.csv", b"4.0\n4.0\n", r"noise\.csv must hold from 2 to 16777215 samples that differ, but it holds 2 from 4 to 4\.$"),
        ("noise.csv", b"", r"noise\.csv must hold from 2 to 16777215 samples that differ, but it holds none\.$"),
        ("noise.npy", np.zeros((3, 2)), r"noise\.npy must be one row of real numbers, but it holds float64 of shape \(3, 2\)\.$"),
        ("noise.npy", np.array(["a", "b"]), r"noise\.npy must be one row of real numbers, but it holds <U1 of shape \(2,\)\.$"),
    ],
)
def test_a_wrong_recording_is_refused_in_a_sentence(tmp_path, name, content, message):
    path = tmp_path / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    elif content is not None:
        np.save(path, content)
    with pytest.raises(InputError, match=message):
        Simulator(Network(1, 2, 1), Chip(noise=Recorded(0.1, str(path))))


def test_a_recording_is_named_by_its_path():
    with pytest.raises(InputError, match=r"^chip\.noise\.file must be text, got 3\.$"):
        Chip().replace(noise={"kind": "recorded", "file": 3})
    with pytest.raises(InputError, match=r"^Recorded\.file must be the path of a recording \(\.npy or \.csv\), got 3\.$"):
        check(Recorded(0.1, 3))  # pyright: ignore[reportArgumentType]


# ---------------------------------------------------------------- in the loop

ANP = Perturbation("anp", 0.05, 0.05)


def learned(noise, plain, dtype="float32", rule=ANP):
    rng, network = np.random.default_rng(3), Network(2, 9, 2)
    one = Simulator(network, Chip(noise=noise), 4, rule.learning(), dtype=dtype, plain=plain)
    one.learn(rng.standard_normal((3, 12, 2)), rng.standard_normal((3, 12, 2)), np.ones((3, 12), bool))
    return one.weights


class Heard(NamedTuple):
    sums: Annotated[float, Bits(32)]


class Listen(NamedTuple):
    """Remembers the perturbation that a neuron was given last."""

    site = "current"
    needs = ()
    Register = Nothing
    Memory = Heard

    def signal(self, m, own, extra):
        return Heard(own.xi), 0.0 * own.delta

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return 0.0 * a


def test_every_neuron_of_every_replica_has_a_junction_of_its_own():
    """A tool shares the levels among its sources. Of n = 400 replicas, the mean of a product of two of them misses 0 by 5 / sqrt(n) at most."""
    n, noise = 400, Telegraph(1.0, within=0.0)
    one = Simulator(Network(1, 4, 1), Chip(noise=noise), 3, Learning("listen", Listen(), Listen()), dtype="float64", plain=True)
    one.learn(np.zeros((n, 3, 1)), np.zeros((n, 3, 1)), np.ones((n, 3), bool))
    xi = one.state()["memories.0.sums"]
    assert xi.shape == (n, 4) and np.allclose(np.abs(xi), 1.0)
    correlations = xi.T @ xi / n - np.eye(4)
    assert np.abs(correlations).max() < 5 / np.sqrt(n)
    assert abs((xi[1:] * xi[:-1]).mean()) < 5 / np.sqrt(4 * n)


def test_a_source_with_a_state_learns_the_same_compiled(recording):
    noise = Recorded(0.3, recording)
    np.testing.assert_equal(learned(noise, plain=False), learned(noise, plain=True))


# ---------------------------------------------------------------- the chip's own noise

NOISY = Chip(tile=Crossbar(0.05), noise=Silent(0.1))


class Seen(NamedTuple):
    power: Annotated[float, Bits(32)]
    sigma: Annotated[float, Bits(32)]


class Watch(NamedTuple):
    """Notes how much the activity of a neuron differs between passes, and what it is told of it."""

    site = "current"
    needs = ()
    Register = Nothing
    Memory = Seen

    def signal(self, m, own, extra):
        return Seen(m.power + own.delta * own.delta, own.sigma), 0.0 * own.delta

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return 0.0 * a


@pytest.mark.parametrize("passes", [(False, True), (True, True)], ids=["clean-noisy", "noisy-noisy"])
def test_read_noise_is_independent_between_passes_and_rules_are_told_the_size_of_a_difference(passes):
    """The variance of n normal numbers is off by 5 sqrt(2 / n) = 16 % at most; noise shared by the passes would give 0."""
    network, n = Network(2, 20, 1, neuron=Linear()), 100 * 20
    one = Simulator(network, NOISY, 1, Learning("watch", Watch(), Watch(), passes), dtype="float64", plain=True)
    one.learn(np.array([[[0.6, 0.8]]] * 100), np.zeros((100, 1, 1)), np.ones((100, 1), bool))
    seen = one.state()
    assert abs(seen["memories.0.power"].mean() / (2 * 0.05**2) - 1) < 5 * np.sqrt(2 / n)
    np.testing.assert_allclose(seen["memories.0.sigma"], np.sqrt(2) * 0.1)


def test_a_silent_source_adds_nothing_and_activity_perturbation_learns_from_read_noise():
    rng, data = np.random.default_rng(1), (np.ones((4, 6, 1)), np.ones((4, 6, 1)), np.ones((4, 6), bool))
    assert not any(Silent(rng.random()).next(Nothing(), ())[1] for _ in range(9))
    one = Simulator(Network(1, 3, 1), NOISY, 1, Perturbation("anp", 0.05, 0.05, norm="expected").learning(), plain=True)
    before = one.weights
    one.learn(*data)
    assert all((w != old).all() for w, old in zip(one.weights, before, strict=True))


@pytest.mark.parametrize(("method", "name"), [("np", "NP"), ("wp", "WP")])
def test_rules_that_need_to_know_the_perturbation_cannot_learn_from_the_chips_own_noise(method, name):
    message = rf"^{name} learns from the perturbation that was given, but the noise source Silent gives none .*; choose .* such as anp\.$"
    with pytest.raises(InputError, match=message):
        Simulator(Network(1, 2, 1), NOISY, learning=Perturbation(method).learning())


def test_a_chip_whose_passes_do_not_differ_cannot_learn_without_a_source():
    with pytest.raises(
        InputError, match=r"^The noise source Silent leaves learning to the chip's own noise, but the passes .* do not differ"
    ):
        Simulator(Network(1, 2, 1), Chip(noise=Silent()), learning=ANP.learning())
    Simulator(Network(1, 2, 1), Chip(noise=Silent()))  # who does not learn needs no noise
    Simulator(Network(1, 2, 1), Chip(noise=Silent(), dac=Quantiser(8, 1.0, "stochastic")), learning=ANP.learning())


class Loud(NamedTuple):
    """Says that it is silent, and is not."""

    sigma: float = 0.1
    State = Nothing
    draws = {}
    silent = True

    def make(self, u):
        return Nothing()

    def next(self, s, u):
        return s, self.sigma


def test_a_source_that_is_not_silent_although_it_says_so_is_refused():
    with pytest.raises(InputError, match=r"Loud\.next returned 0\.1, but the class says silent = True: it must be 0 always\.$"):
        check_noise(Loud())


def test_the_measured_junction_in_volts_and_samples():
    """Levels 5.9316 mV from their mean (42 mV, behind a capacitor), 0.9084 mV within: 6.0008 mV in all; left 0.0809 times a sample."""
    noise = Telegraph(6.0008e-3)
    (_, high), (_, low) = noise.next(Level(1.0), (0.999, 0.0)), noise.next(Level(0.0), (0.999, 0.0))
    assert (high, low) == pytest.approx((5.9316154e-3, -5.9316154e-3), rel=5e-4)
    assert noise.next(Level(1.0), (0.999, 1.0))[1] - high == pytest.approx(0.90841466e-3, rel=1e-3)
    p = chance(noise, 1.0)
    assert 1 / p == pytest.approx(12.36, abs=0.01) and 1 - 2 * p == pytest.approx(0.8382, abs=1e-4)  # mean dwell; lag of one sample
    assert -1 / math.log(1 - 2 * p) == pytest.approx(5.67, abs=0.01) and (1 - p) / p == pytest.approx(11.36, abs=0.01)
