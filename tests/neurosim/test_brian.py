"""neurosim and Brian2 compute the same, learning included; in plain Python, whose bits are those of the compiled loop."""

import builtins
import functools
import json
import runpy
import sys

import numpy as np
import pytest
from hypothesis import Phase, assume, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import hw_models as hw
from hw_models.parts import InputError
from neurosim import brian, neurons, plots, rules
from neurosim.brian import coincidence, validate, words
from neurosim.brian.bounds import EPS, allowed, gains, matrices
from neurosim.brian.writer import by_name
from neurosim.cli import app
from neurosim.losses import SquaredError
from neurosim.network import Network
from neurosim.neurons.spiking import reach
from neurosim.simulator import Simulator
from neurosim.wiring import Dense, FeedForward, Sparse

KINDS = (neurons.Tanh(), neurons.ReLU(), neurons.Sigmoid(), neurons.Linear(), neurons.Leaky(0.3))
RATES = {"lr": 1e-4, "readout_lr": 3e-3}
RULES = {
    "anp": rules.ANP(**RATES),
    "anp as published": rules.ANP(**RATES, carry=1.0, perturb="all", normalise=False),
    "anp expected": rules.ANP(lr=1e-7, readout_lr=1e-7, norm="expected"),
    "anp running": rules.ANP(**RATES, norm="running", average=0.1, trace=0.5),
    "anp bounded": rules.ANP(**RATES, norm="bounded", average=0.1),
    "anp sign": rules.ANP(**RATES, sign=True),
    "np": rules.NP(lr=1e-4, readout_lr=1e-4),
    "np trace": rules.NP(lr=1e-5, readout_lr=1e-5, trace=0.7, sign=True, carry=0.5),
}


def simulator(network, seed, gain=None, rule=None, **options):
    """A network in plain Python, with biases other than zero, if it has any, and its recurrent weights scaled to a gain."""
    made = Simulator(network, seed=seed, learning=rule.learning() if rule else None, dtype="float64", plain=True, **options)
    weights = network.weights(seed)
    for w in weights[::2] if network.bias else ():
        w[-1] = np.random.default_rng(seed).uniform(0, 0.3, w.shape[1])
    if gain is not None:
        for w, found in zip(weights[1:-1:2], gains(network, matrices(made.wires, weights))):
            w *= gain / found if found else 1
    made.program(weights)
    return made


def case(made, steps, seed=0, name="drawn"):
    rng = np.random.default_rng(seed)
    inputs, targets = rng.standard_normal((steps, made.network.inputs)), rng.standard_normal((100, made.network.outputs))
    lesson = rng.standard_normal((100, made.network.inputs)), targets, rng.random(100) < 0.8
    return brian.Case(name, made, inputs, lesson, "anp")


networks = st.builds(
    Network, st.integers(1, 3), st.lists(st.integers(1, 5), min_size=1, max_size=2).map(tuple), st.integers(1, 2),
    st.sampled_from(KINDS), st.sampled_from(KINDS), st.just(1.0), st.just(1.0), st.sampled_from([Dense(), Sparse(0.6), FeedForward()]), st.booleans(),
    st.sampled_from([1.0, 3.0]),
)  # fmt: skip


@settings(max_examples=3, phases=[Phase.generate])
@given(networks, st.floats(0.1, 1.0), st.integers(0, 99))
def test_trajectories_of_1000_steps_agree_where_the_gain_is_at_most_1(network, gain, seed):
    report = brian.compare(case(simulator(network, seed, gain * (1 - 1e-12)), 1000, seed))
    assert report.agrees and not report.steps, report.lines()


@settings(max_examples=4, phases=[Phase.generate])
@given(networks, st.floats(1.01, 3.0), st.integers(0, 99))
def test_steps_agree_from_one_common_state_where_the_gain_is_above_1(network, gain, seed):
    made = simulator(network, seed, gain)
    assume(max(gains(network, matrices(made.wires, made.weights))) > 1)  # wires are there
    report = brian.compare(case(made, 100, seed))
    assert report.agrees and report.steps.keys() == report.trajectory.keys(), report.lines()


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
@settings(max_examples=2, phases=[Phase.generate])
@given(networks.filter(lambda n: n.neuron is not KINDS[3]), st.floats(0.2, 1.0), st.integers(0, 99))
def test_learned_weights_are_the_same_after_100_steps(rule, network, gain, seed):
    made = simulator(network, seed, gain, rule)
    before, lesson = by_name(network, made.weights), case(made, 0, seed).lesson
    theirs = brian.script(made, *lesson).run()
    assert made.learn(*(part[None] for part in lesson)).finite
    for name, w in by_name(network, made.weights).items():
        assert np.abs(w).max() < 10, "rates at which learning is stable"
        assert np.abs(theirs[name] - w).max() <= 1e-9
        assert network.neuron == neurons.ReLU() or np.abs(w - before[name]).max() > 1e-8, "there is something to compare"


# ---------------------------------------------------------------- spikes


def made_of(kind, **fields):
    """Parts of a kind with some fields drawn and the others as they are."""
    return st.fixed_dictionaries(fields).map(lambda drawn: kind(**drawn))


times = st.sampled_from([1.5e-3, 4e-3, 9e-3])
resets = st.sampled_from(["value", "subtract"])
rests = st.sampled_from([0.0, 1e-3, 2.4e-3])
seen = {"activity": st.sampled_from(["current", "membrane", "spikes"]), "scatter": st.sampled_from([0.0, 0.5])}
held = {"v_leak": st.sampled_from([0.0, 0.02]), "v_reset": st.sampled_from([0.0, 0.01]), "refractory": rests, "reset": resets, **seen}
linear = {**held, "integration": st.sampled_from(["exact", "euler"])}
spiking = st.one_of(
    made_of(neurons.LIF, tau_mem=st.just(20e-3), tau_syn=st.one_of(times, st.sampled_from([0.0, 20e-3])), **linear),
    made_of(neurons.ALIF, tau_mem=st.just(12e-3), tau_syn=times, beta_adaptation=st.sampled_from([0.0, 0.05]), **linear),
    made_of(neurons.ExcInhLIF, tau_syn_exc=times, tau_syn_inh=times, **linear),
    made_of(neurons.ConductanceLIF, tau_syn_exc=times, tau_syn_inh=times, **{k: v for k, v in held.items() if k != "reset"}),
)
delays = st.sampled_from([0.0, 1e-3, 3e-3])
wirings = st.one_of(st.builds(Dense, delays), st.builds(Sparse, st.just(0.6), delays), st.just(FeedForward()))
spiking_networks = st.builds(
    Network, st.integers(1, 3), st.lists(st.integers(2, 6), min_size=1, max_size=2).map(tuple), st.integers(1, 2),
    spiking, st.sampled_from([neurons.LI(), neurons.LI(9e-3, 2e-3), *KINDS]), st.just(3.0), st.just(1.0), wirings, st.booleans(), st.just(1.0),
)  # fmt: skip
SHAKEN = hw.Chip().replace(noise=hw.Gaussian(0.6))  # so that spikes differ between the passes


def drawn(network, seed, rule, steps=100):
    """A case whose inputs drive spikes."""
    made = case(simulator(network, seed, rule=rule, chip=SHAKEN), steps, seed)
    return made._replace(inputs=3 * np.abs(made.inputs), lesson=(np.abs(made.lesson[0]), *made.lesson[1:]))


@settings(max_examples=3, phases=[Phase.generate])
@given(spiking_networks, st.integers(0, 99), st.sampled_from(list(RULES.values())))
def test_spike_trains_are_the_same_spike_for_spike_and_so_are_learned_weights(network, seed, rule):
    report = brian.compare(drawn(network, seed, rule))
    assert report.agrees, report.judgement
    assert all(t.first is None for t in (*report.trains.values(), *report.taught.values())), (
        report.judgement
    )  # none is so close to its threshold
    # the membranes of every layer and the readout: that they stay so close says more than equal silence would
    assert len(report.trajectory) == len(network.layers) + 1 and len(report.lesson) == 2 * len(network.layers)
    passes = [(report.taught[name].ours, report.taught[f"{name}, perturbed"].ours) for name in report.taught if "perturbed" not in name]
    alike = all(np.array_equal(*pair) for pair in passes)  # from which nothing is learned
    assert bool(report.learned) != alike and report.limit <= 1e-8 and len(report.case.lesson[0]) == 100, report.case.refusal


@pytest.mark.parametrize(
    ("neuron", "wiring", "rule"),
    [
        (neurons.LIF(activity="spikes", refractory=2e-3), Sparse(0.7, 1e-3), "anp running"),
        (neurons.ALIF(activity="membrane", reset="subtract"), Dense(2e-3), "anp as published"),
    ],
    ids=["LIF", "ALIF"],
)
def test_what_is_learned_on_spikes_is_there_to_be_compared(neuron, wiring, rule):
    made = drawn(Network(2, 8, 1, neuron, neurons.LI(), 3.0, 1.0, wiring, True), 5, RULES[rule], 5)
    report, simulator = brian.compare(made), made.simulator
    assert report.agrees and max(report.learned.values()) <= 1e-9, report.judgement
    clean, perturbed = report.taught["hidden"], report.taught["hidden, perturbed"]
    assert (clean.ours != perturbed.ours).sum() > 10, "else no reward is sent"
    before = by_name(simulator.network, simulator.weights)
    simulator.learn(*(part[None] for part in made.lesson))
    assert all(np.abs(w - before[name]).max() > 1e-6 for name, w in by_name(simulator.network, simulator.weights).items())


def test_a_network_that_runs_by_itself():
    made = simulator(
        Network(0, 6, 1, neurons.LIF(scatter=1.0, v_leak=0.3), wiring=Dense(3e-3), bias=True), 1, rule=RULES["anp"], chip=SHAKEN
    )
    report = brian.compare(case(made, 60))
    assert report.agrees and report.learned and report.trains["hidden"].ours.sum() > 20, report.judgement


@pytest.mark.slow
@pytest.mark.parametrize("neuron", [neurons.LIF(refractory=2e-3), neurons.ALIF()], ids=lambda neuron: type(neuron).__name__)
def test_a_thousand_neurons_over_a_second(neuron):
    made = Simulator(Network(1, 1000, 1, neuron, neurons.LI(), 0.8, wiring=Dense(2e-3)), seed=3, dtype="float64")
    inputs = 2 * np.abs(np.random.default_rng(1).standard_normal((1000, 1)))
    report = brian.compare(brian.Case("a thousand", made, inputs, (inputs,) * 3, "none"))
    assert report.agrees, report.judgement
    assert report.trains["hidden"].ours.sum() > 1000, report.judgement


def edge(when):
    """Membranes that an input in one of 6 steps brings 12 to -12 units in the last place off the threshold, by formulas that round differently."""
    neuron, ulps = neurons.LIF(tau_mem=20e-3, tau_syn=5e-3), np.arange(-12, 13)
    made = simulator(Network(1, len(ulps), 1, neuron, neurons.LI()), 1, rule=rules.ANP(lr=0.0, readout_lr=0.01), chip=SHAKEN)
    edge = neuron.v_threshold / reach(neuron.tau_mem, neuron.tau_syn, 1e-3) * (1 + ulps * EPS)
    made.program([edge[None], np.zeros((25, 25)), np.ones((25, 1))])
    inputs = np.eye(6)[:, [when]]
    return brian.compare(brian.Case("edge", made, inputs, (inputs, np.ones((6, 1)), np.ones(6, bool)), "anp"))


def test_only_a_spike_that_rounding_decides_may_differ():
    report = edge(0)
    spikes = report.trains["hidden"]
    assert spikes.first == 0 and spikes.explained and report.agrees and "where rounding decides" in report.judgement
    assert not report.trajectory and not report.lesson and not report.learned  # nothing is judged from there on
    assert "first step" in report.case.refusal
    plots.validation(report)


def test_a_lesson_is_compared_until_a_spike_comes_in_one_alone():
    report = edge(3)
    assert report.agrees and report.taught["hidden"].first == 3 and report.taught["hidden"].explained, report.judgement
    assert "changed no weight within 3 steps" in report.case.refusal  # as no neuron fires before
    assert len(report.case.lesson[0]) == 3 and len(report.lesson["hidden.v"].largest) == 3
    assert (
        "Spikes of hidden, while learning: " in report.judgement and "different from step 3 on, where rounding decides" in report.judgement
    )
    plots.validation(report)


@pytest.mark.parametrize("integration", ["exact", "euler"])
def test_one_time_constant_for_membrane_and_current(integration):
    neuron, readout = neurons.LIF(10e-3, 10e-3, integration=integration), neurons.LI(10e-3, 10e-3, integration)
    made = case(simulator(Network(2, 5, 1, neuron, readout), 1), 60)
    report = brian.compare(made._replace(inputs=3 * np.abs(made.inputs)))
    assert report.agrees and report.trains["hidden"].ours.sum() > 20, report.judgement
    assert all(d.allowed.max() < 1e-10 for d in report.trajectory.values())


def test_a_threshold_that_is_off_is_found(monkeypatch):
    words_of = words.SPIKES[neurons.LIF]
    monkeypatch.setitem(words.SPIKES, neurons.LIF, lambda n, step_s: words_of(n, step_s)._replace(threshold="v > 0.152"))
    report = brian.compare(drawn(Network(1, 20, 1, neurons.LIF(), neurons.LI(), 3.0, wiring=FeedForward()), 1, RULES["anp"]))
    assert not report.agrees and "rounding does not explain" in report.judgement and not report.trains["hidden"].explained
    assert False in [t.explained for t in report.taught.values()], report.judgement


def test_spike_trains_by_hand():
    a, b = np.zeros(100), np.zeros(100)
    a[[10, 50]] = b[[11, 80]] = 1  # one pair within 2 ms; by chance 2 * 2 spikes * 2 ms * 20 Hz = 0.16
    assert coincidence.coincidence(a, b, 1e-3) == pytest.approx((1 - 0.16) / 2 / (1 - 2 * 20 * 2e-3))
    assert coincidence.coincidence(a, a, 1e-3) == pytest.approx(1) and coincidence.coincidence(a, 0 * a, 1e-3) == 0
    assert coincidence.van_rossum(a, a, 1e-3) == 0
    assert coincidence.van_rossum(b, 0 * b, 1e-3, 1e-3) == pytest.approx(1, abs=1e-12)  # two that do not overlap: 1 / 2 each, squared
    late = np.roll(a, 5)
    assert coincidence.van_rossum(a, late, 1e-3, 10e-3) == pytest.approx(np.sqrt(2 * (1 - np.exp(-0.5))), rel=0.02)


# ---------------------------------------------------------------- what the judge does not let pass


def test_a_hand_worked_bound():
    # one neuron with R = 1/2 and A = 1 sees 1, then 0: sums of one product each may part by 4 eps |w x|, tanh by 8 eps
    network, weights = Network(1, 1, 1), [np.ones((1, 1)), np.full((1, 1), 0.5), np.full((1, 1), 2.0)]
    ours = {"hidden.h": np.array([[1.0], [0.3]]), "hidden.x": np.array([[0.75], [0.25]]), "readout.h": np.zeros((2, 1))}
    ours["readout.x"] = np.zeros((2, 1))
    inputs, names = np.array([[1.0], [0.0]]), ["hidden", "readout"]
    held, free = (allowed(network, weights, ours, inputs, names, held) for held in (True, False))
    np.testing.assert_allclose(held["hidden.h"].ravel() / EPS, [4.0, 4 * 0.5 * 0.75])
    np.testing.assert_allclose(held["hidden.x"].ravel() / EPS, [4.0 + 8.0, 1.5 + 8.0])
    np.testing.assert_allclose(held["readout.x"].ravel() / EPS, [4 * 2 * 0.75 + 2 * 12.0, 4 * 2 * 0.25 + 2 * 9.5])
    np.testing.assert_allclose(free["hidden.h"].ravel() / EPS, [4.0, 1.5 + 0.5 * 12.0])
    assert gains(network, weights) == [0.5]


@pytest.mark.parametrize("gain", [0.9, 2.0])
def test_a_neuron_that_is_off_by_more_than_rounding_is_found(gain, monkeypatch):
    monkeypatch.setitem(words.RATES, neurons.Tanh, words.RATES[neurons.Tanh]._replace(step=("x = tanh(h) + 1e-13",)))
    report = brian.compare(case(simulator(Network(1, 5, 1), 1, gain), 30))
    assert not report.agrees and "disagree" in report.verdict
    assert any("DIFFERS" in line for line in report.lines())


def test_a_rule_that_is_off_is_found(monkeypatch):
    made = simulator(Network(1, 3, 1), 1, 0.9, RULES["anp"])
    same = brian.compare(case(made, 5))
    assert same.agrees and same.learned.keys() == by_name(made.network, made.weights).keys()
    wrong = tuple(line.replace("1e-20", "1e-10") for line in words.signal(made.learning.rule))
    monkeypatch.setitem(words.SIGNALS, type(made.learning.rule).signal, wrong)
    assert not brian.compare(case(made, 5)).agrees


def test_a_lesson_that_stretches_rounding_or_diverges_is_not_judged():
    stretched = brian.compare(case(simulator(Network(1, 6, 2), 3, 0.9, rules.ANP(lr=3.0, readout_lr=0.4)), 5))
    assert not stretched.learned and "rounding" in stretched.case.refusal, stretched.case.refusal
    diverged = brian.compare(case(simulator(Network(1, 4, 1), 3, 0.9, rules.NP(lr=1e300, readout_lr=1e300, normalise=False)), 5))
    assert not diverged.learned and "diverged" in diverged.case.refusal


def test_a_neuron_of_ones_own_is_refused_in_a_sentence():
    class Mine(type(neurons.LIF().discrete(1e-3))):
        pass

    made = simulator(Network(1, 3, 1), 3, 0.9)
    made.network = made.network._replace(neuron=Mine(*neurons.LIF().discrete(1e-3)))
    with pytest.raises(InputError, match="words for the neuron Mine are not known; known are"):
        brian.compare(case(made, 5))


def test_weights_that_nothing_changed_are_no_learning_that_agrees():
    still = brian.compare(case(simulator(Network(1, 4, 1), 3, 0.9, rules.ANP(lr=0.0, readout_lr=0.0)), 5))
    assert still.agrees and not still.learned and "changed no weight within 100 steps" in still.case.refusal
    assert "learn" not in still.verdict


def test_a_lesson_lasts_until_something_is_judged(tmp_path):
    """Of a trial, the steps in which an answer is asked for come last."""
    (tmp_path / "cues.toml").write_text(
        '[task]\nname = "cue-accumulation"\n[network]\nneuron = "lif"\nreadout = "li"\nhidden = 4\n[rule]\nname = "anp"\n[chip]\nname = "ideal"\n'
    )
    lesson = brian.read(str(tmp_path / "cues.toml")).lesson
    assert not lesson[2][: validate.LEARNING_STEPS].any() and lesson[2].sum() == validate.JUDGED_STEPS and lesson[2][-1]
    assert len(brian.read(str(tmp_path / "cues.toml"), [("--task", "task.name", "mackey-glass")]).lesson[0]) == validate.LEARNING_STEPS


# ---------------------------------------------------------------- other devices of Brian2, and the script by itself


@pytest.mark.slow
@pytest.mark.parametrize("device", ["cython", "cpp"])
def test_compiled_devices(device):
    brian2 = brian.load(device)  # a missing compiler fails here, with the sentence that a person gets
    before, brian2.prefs.codegen.cpp.extra_compile_args = brian2.prefs.codegen.cpp.extra_compile_args, ["-w", "-O0"]
    try:  # compiling is all the time it takes
        report = brian.compare(case(simulator(Network(1, 4, 1), 1, 0.9), 20), device)
    finally:
        brian2.prefs.codegen.cpp.extra_compile_args = before
    assert report.agrees and report.device == device
    assert type(brian2.get_device()).__name__ == "RuntimeDevice" and brian2.prefs.codegen.target != device


def test_the_script_stands_alone_and_builds_a_live_network(tmp_path, monkeypatch, capsys):
    import brian2

    made = simulator(Network(2, (3, 2), 1), 1, 0.9, RULES["anp"])
    script = brian.script(made, *case(made, 0).lesson, title="mine")
    script.write(tmp_path / "there")
    expected = script.run()
    monkeypatch.setattr(sys, "argv", ["network.py", "numpy"])
    runpy.run_path(str(tmp_path / "there" / "network.py"), run_name="__main__")
    with np.load(tmp_path / "there" / "recorded.npz") as found:
        assert found.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(found[name], values)
    network = script.network()
    network.run(100 * brian2.ms, namespace={})
    np.testing.assert_array_equal(np.array(network["record_readout"].x).T, expected["readout.x"])
    assert script.text.startswith('"""mine in Brian2')
    with pytest.raises(InputError, match="exists"):
        script.write(tmp_path / "there")


# ---------------------------------------------------------------- sentences


class Stranger(neurons.Tanh):
    """A neuron that Brian2 has no words for."""


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"chip": hw.load("digital-8bit")}, "cell of the chip digital-8bit is FixedPoint"),
        ({"chip": hw.Chip().replace(neuron=hw.AnalogCircuit())}, "neuron of the chip"),
        ({"network": Network(1, 3, 1, Stranger())}, "neuron Stranger are not known; known are Tanh"),
        ({"rule": rules.DANP()}, "decorrelation"),
        ({"rule": rules.ANP(samples=2)}, "one perturbed pass"),
        ({"rule": rules.ANP(passes="antithetic")}, "one perturbed pass"),
        ({"rule": rules.ANP(momentum=0.5)}, "without momentum"),
        ({"rule": rules.ANP(interval=2)}, r"rule\.interval 1"),
        ({"rule": rules.ANP(update="sequence")}, "rule.update"),
        ({"rule": rules.ANP(threshold=0.01)}, r"rule\.threshold to 0"),
        ({"rule": rules.NP(perturb="hidden", norm="expected")}, "the readout learns as the layers do"),
        ({"rule": rules.WP()}, "rule WP"),
        ({"network": Network(1, 3, 1, neurons.LIF(), neurons.ALIF())}, "readout ALIF sends spikes"),
        ({"network": Network(1, 3, 1, neurons.Tanh(), neurons.LI())}, "neuron LI are not known behind rate neurons"),
    ],
)
def test_what_cannot_be_said_in_brian2_is_one_sentence(options, sentence):
    with pytest.raises(InputError, match=sentence) as error:
        made = simulator(
            options.get("network", Network(1, 3, 1)),
            1,
            rule=options.get("rule", rules.ANP()),
            **{k: v for k, v in options.items() if k == "chip"},
        )
        brian.script(made, *case(made, 0).lesson)
    assert "\n" not in str(error.value)


def test_a_loss_of_ones_own_is_refused():
    class Absolute(SquaredError):
        pass

    made = Simulator(Network(1, 3, 1), learning=rules.ANP().learning(), loss=Absolute(), dtype="float64", plain=True)
    with pytest.raises(InputError, match="loss Absolute"):
        brian.script(made, *case(made, 0).lesson)


def test_brian2_that_cannot_be_used_is_one_sentence(monkeypatch):
    with pytest.raises(InputError, match='not on "fortran"'):
        brian.load("fortran")
    monkeypatch.setenv("CXX", "no-such-compiler")
    for device in ("cython", "cpp"):
        with pytest.raises(InputError, match="no-such-compiler, which is not installed"):
            brian.load(device)
    monkeypatch.setitem(sys.modules, "brian2", None)
    with pytest.raises(InputError, match=r'pip install "neurosim-hw\[brian\]"'):
        brian.load()
    monkeypatch.delitem(sys.modules, "brian2")
    real = builtins.__import__

    def broken(name, *args, **kwargs):
        if name == "brian2":
            raise ImportError("numpy.core has no such name")
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(InputError, match="cannot be imported with NumPy"):
        brian.load()


# ---------------------------------------------------------------- the command line


EXPERIMENT = """
[task]
name = "mackey-glass"
[network]
hidden = [3]
neuron = "{neuron}"
[rule]
name = "{rule}"
[chip]
name = "{chip}"
"""


@pytest.fixture
def neurosim(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(validate, "Simulator", functools.partial(Simulator, plain=True))

    def run(*words, rule="anp", chip="ideal", neuron="tanh"):
        (tmp_path / "mine.toml").write_text(EXPERIMENT.format(rule=rule, chip=chip, neuron=neuron))
        return CliRunner().invoke(app, [words[0], "mine.toml", *words[1:]])

    return run


def test_validate_an_experiment(neurosim, tmp_path):
    result = neurosim("validate", "--steps", "20")
    assert result.exit_code == 0, result.output
    assert "The two agree" in result.output and "1-3-1 neurons in float64, 20 steps" in result.output
    picture = tmp_path / "validations" / "mine" / "validation.png"
    assert picture.read_bytes().startswith(b"\x89PNG") and str(picture.relative_to(tmp_path)) in result.output
    found = json.loads((picture.parent / "validation.json").read_text())
    assert found["agrees"] is True and found["learning"]["largest"].keys() == {"input_to_hidden", "hidden_to_hidden", "hidden_to_readout"}


def test_validate_leaves_learning_out_with_a_reason_and_hardware_only_if_told(neurosim, tmp_path):
    refused = neurosim("validate", chip="digital-8bit")
    assert refused.exit_code == 2 and "--chip ideal" in refused.stderr and not (tmp_path / "validations").exists()
    result = neurosim("validate", "--steps", "5", "--chip", "ideal", "--json", "--out", "here", chip="digital-8bit", rule="tbptt")
    found = json.loads(result.stdout)
    assert found["agrees"] and found["steps"] == 5 and not found["learning"]["largest"]
    assert "reference gradient" in found["learning"]["not_compared"] and (tmp_path / "here" / "validation.png").is_file()


def test_validate_a_disagreement_is_exit_code_1(neurosim, monkeypatch):
    monkeypatch.setitem(words.RATES, neurons.Tanh, words.RATES[neurons.Tanh]._replace(step=("x = tanh(1.001*h)",)))
    result = neurosim("validate", "--steps", "5", rule="tbptt")
    assert result.exit_code == 1 and "disagree" in result.output


def test_validate_spikes(neurosim):
    result = neurosim("validate", "--steps", "20", neuron="lif")
    assert result.exit_code == 0, result.output
    assert "the same, spike for spike" in result.output and "Spikes of hidden, perturbed, while learning" in result.output


def test_export(neurosim, tmp_path):
    result = neurosim("export", "--learn")
    assert result.exit_code == 0 and "network.py" in result.output
    assert "lr*reward_post" in (tmp_path / "exports" / "mine-brian2" / "network.py").read_text()
    assert "exists" in neurosim("export", "--learn").stderr
    assert 'got "nest"' in neurosim("export", "--to", "nest").stderr
    assert "decorrelation" in neurosim("export", "--learn", "--out", "other", rule="danp").stderr
    assert not (tmp_path / "other").exists()
