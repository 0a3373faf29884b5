"""Training as a function: equal seeds, divergence, baselines, and what is refused."""

import sys
from typing import NamedTuple

import numpy as np
import pytest

import hw_models
import neurosim as ns
from hw_models import Nothing
from neurosim import train as train_function
from neurosim.experiment import as_learning
from neurosim.rules import DANP
from neurosim.runs import load
from neurosim.tasks import Arrays, MackeyGlass

TASK = MackeyGlass(steps=60, validation_steps=40)
NETWORK = ns.Network(1, 8, 1)
TIMES = {"wall_s", "steps_per_s"}
WAVERS = DANP(readout_lr=0.05)  # its validation loss goes down and up again


def train(rule=None, task=TASK, network=NETWORK, **settings):
    return ns.train(network, task, rule or DANP(readout_lr=0.005), hw_models.load("ideal"), **{"epochs": 2, "seed": 3, **settings})


def bits(run):
    return {name: array.copy() for name, array in run.learner.state().items()}


def same(a, b):
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def test_the_public_names_are_what_they_say():
    assert ns.train is train_function and callable(ns.train)
    assert {"Network", "train", "Simulator", "rules", "tasks", "neurons", "Run", "InputError", "__version__"} <= set(dir(ns))
    assert all(getattr(ns, name) is not None for name in ns.__all__)
    assert isinstance(ns.__version__, str)
    with pytest.raises(AttributeError, match="no attribute"):
        _ = ns.nothing


def test_equal_seeds_give_equal_bits_and_others_do_not():
    a, b, c = train(), train(), train(seed=4)
    assert same(bits(a), bits(b)) and not same(bits(a), bits(c))
    plain = lambda run: {k: v for k, v in run.metrics.items() if k not in TIMES}  # noqa: E731
    assert plain(a) == plain(b)


def test_metrics_add_up():
    run = train(epochs=3, batch=2)
    m = run.metrics
    assert (m["epochs"], m["steps"], m["hidden"], m["seed"]) == (3, 3 * 30, [8], 3)  # a batch steps together
    assert len(m["train_loss"]) == len(m["validation_loss"]) == len(m["test_loss"]) == 3
    assert m["final_test_loss"] == m["test_loss"][-1]
    assert m["test_loss_at_best"] == m["test_loss"][int(np.argmin(m["validation_loss"]))]
    assert set(m["baselines"]) == {"persistence", "mean", "linear", "reservoir", "readout-only"}
    assert all(set(losses) == {"train", "validation", "test"} for losses in m["baselines"].values())
    assert not m["diverged"] and m["message"] == ""


def test_the_best_epoch_can_be_kept():
    """It is a run that was stopped there."""
    last, best = (train(WAVERS, epochs=6, anneal=1.0, keep=keep) for keep in ("last", "best"))
    assert best.epochs == last.epochs and last.kept == 6 and 1 < best.kept < 6
    assert best.final.validation == min(epoch.validation for epoch in best.epochs) and best.final == best.epochs[best.kept - 1]
    assert best.metrics["final_test_loss"] == best.metrics["test_loss_at_best"] == last.metrics["test_loss_at_best"]
    assert best.account == last.account  # also of what came after it
    stopped = train(WAVERS, epochs=best.kept, anneal=1.0)
    assert same(bits(best), bits(stopped)) and not same(bits(best), bits(last))
    assert best.baselines["readout-only"]["validation"] <= last.baselines["readout-only"]["validation"]


def test_a_diverging_run_keeps_its_best_state(monkeypatch):
    def then_hopeless(run):
        if len(run.epochs) == 5:
            monkeypatch.setattr(sys.modules["neurosim.train"], "HOPELESS", 0.0)

    run = train(WAVERS, epochs=6, anneal=1.0, keep="best", baselines=False, on_epoch=then_hopeless)
    assert run.diverged and 1 < run.kept < 5 and f"the state after epoch {run.kept} is kept" in run.message
    monkeypatch.undo()
    assert same(bits(run), bits(train(WAVERS, epochs=run.kept, anneal=1.0)))
    nothing = train(DANP(readout_lr=1e12), keep="best")
    assert nothing.kept == 0 and nothing.best is None and "the untrained state is kept" in nothing.message


def test_baselines_change_nothing_in_the_run():
    assert same(bits(train()), bits(train(baselines=False)))
    assert train(baselines=False).baselines == {}


def test_a_diverging_epoch_is_undone(monkeypatch):
    good = {}

    def then_hopeless(run):
        good.update(bits(run))
        monkeypatch.setattr(sys.modules["neurosim.train"], "HOPELESS", 0.0)

    run = train(epochs=5, baselines=False, on_epoch=then_hopeless)
    assert run.diverged and "epoch 2" in run.message and "rule.lr" in run.message
    assert len(run.epochs) == 1 and same(bits(run), good)


def test_a_rate_beyond_reason_diverges_and_keeps_the_untrained_state():
    run = train(DANP(readout_lr=1e12))
    assert run.diverged and run.epochs == [] and run.metrics["final_test_loss"] is None
    assert all(np.isfinite(array).all() for array in bits(run).values())


def test_given_weights_are_where_it_starts():
    weights = [np.full(shape, 0.1) for shape in NETWORK.shapes()]
    run = train(DANP(lr=0.0, readout_lr=0.0, decorrelation_lr=1e-12), weights=weights, epochs=1)
    assert all(np.allclose(a, b, atol=1e-6) for a, b in zip(run.learner.weights, weights))


def test_a_run_saves_itself_and_draws_itself(tmp_path):
    run = train()
    run.save(tmp_path / "run")
    saved = load(tmp_path / "run")
    assert same(saved.state, bits(run))
    assert saved.plan().experiment == run.experiment
    assert run.plot().axes
    with pytest.raises(ns.InputError, match="not empty"):
        run.save(tmp_path / "run")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"epoch": 3}, "epoch"),
        ({"epochs": 0}, "at least 1"),
        ({"batch": 61}, "60"),
        ({"dtype": "float16"}, "float32"),
        ({"seed": 1.5}, "whole number"),
    ],
)
def test_wrong_settings_are_refused(settings, says):
    with pytest.raises(ns.InputError, match=says):
        train(**settings)


def test_wrong_shapes_and_numbers_are_refused():
    with pytest.raises(ns.InputError, match=r"Network\(1, 8, 1\)"):
        train(network=ns.Network(2, 8, 1))
    with pytest.raises(ns.InputError, match="shapes"):
        train(weights=[np.zeros((1, 1))])
    for bad in (np.nan, np.inf):
        with pytest.raises(ns.InputError, match="finite"):
            train(task=Arrays(np.full(300, bad), np.zeros(300)))
    with pytest.raises(ns.InputError, match="steps"):
        train(task=Arrays(np.zeros(300), np.zeros(299)))


class Plain(NamedTuple):
    """Node perturbation with one rate."""

    lr: float = 0.5

    site, needs, Register, Memory = "current", (), Nothing, Nothing

    def signal(self, m, own, extra):
        return m, own.xi

    def trace(self, r, pre, a):
        return r

    def change(self, w, r, pre, a, reward):
        return self.lr * reward * pre * a


class Two(NamedTuple):
    lr: float = 0.5
    readout_lr: float = 0.25

    site, needs, Register, Memory = "current", (), Nothing, Nothing
    signal, trace, change = Plain.signal, Plain.trace, Plain.change


class Fixed(NamedTuple):
    site, needs, Register, Memory = "current", (), Nothing, Nothing
    signal, trace = Plain.signal, Plain.trace

    def change(self, w, r, pre, a, reward):
        return 0.1 * reward * pre * a


def test_rates_of_a_rule_of_ones_own_are_multiplied_apart():
    rates = lambda learning: (learning.rule.lr, learning.readout_rule.lr)  # noqa: E731
    assert rates(as_learning(Plain())) == (0.5, 0.5) and rates(as_learning(Two())) == (0.5, 0.25)
    assert rates(as_learning(Plain(), 0.0, 0.5)) == (0.0, 0.25) and rates(as_learning(Two(), 0.5, 2.0)) == (0.25, 0.5)
    assert as_learning(Fixed(), 0.0, 0.5).rule == Fixed()


def test_beside_a_rule_of_ones_own_stands_the_run_in_which_its_readout_learns(uncompiled, monkeypatch):
    """At the rule's only rate; a rule without one has no such run."""
    module, made = sys.modules["neurosim.train"], []
    make = module.make_learner
    monkeypatch.setattr(module, "make_learner", lambda *given: made.append(make(*given)) or made[-1])
    assert "readout-only" in train(Plain()).baselines
    (_, beside), start = made, NETWORK.weights(3)
    moved = [not np.array_equal(w, np.float32(w0)) for w, w0 in zip(beside.weights, start, strict=True)]
    assert moved == [False, False, True]
    assert "readout-only" not in ns.train(NETWORK, TASK, Fixed(), epochs=1).baselines


def test_a_run_that_learns_with_its_readout_alone_is_not_run_twice(uncompiled, monkeypatch):
    module, made = sys.modules["neurosim.train"], []
    make = module.make_learner
    monkeypatch.setattr(module, "make_learner", lambda *given: made.append(1) or make(*given))
    run, beside = train(ns.rules.ANP(lr=0.0)), train(ns.rules.ANP(lr=0.5))
    assert len(made) == 1 + 2
    assert run.baselines["readout-only"] == beside.baselines["readout-only"] == run.epochs[-1]._asdict()


def test_a_perturbation_that_drowns_in_the_noise_of_the_chip_is_pointed_out(uncompiled):
    """Reads of noise 0.05: of one input and of four neurons' activity, below 1, sums differ by 0.05 sqrt(1 + 4) of full scale at most, and by what
    recurrence makes of it, which is less than twice as much here; full scale is four standard deviations of sqrt(2 / 5) and of sqrt(2 / 8)."""
    task, network, noisy = ns.tasks.MackeyGlass(steps=60), ns.Network(1, 4, 1), hw_models.load("reram-es").replace(tile__read_noise=0.05)
    rule, found = ns.rules.NP(readout_lr=0.0, lr=1e-9), {}
    rules = {"quiet": (rule, 1e-4), "loud": (rule, 1.0), "pairs": (rule._replace(passes="antithetic"), 1e-4), "anp": (ns.rules.ANP(), 1e-4)}
    for name, (rule, sigma) in rules.items():
        run = ns.train(network, task, rule, noisy.replace(noise__sigma=sigma), epochs=1, baselines=False)
        found[name] = (run.own_noise, [said for said in run.warnings if said.startswith("Currents")])
    assert 0.01 < found["quiet"][0] < 2 * 0.05 * 4 * (2 / 5 + 4 * 2 / 8) ** 0.5
    (said,) = found["quiet"][1]
    assert "(chip.noise.sigma 0.0001), so that np sees little" in said and '--set rule.passes="antithetic"' in said
    assert not found["loud"][1] and len(found["pairs"][1]) == 1 and "antithetic" not in found["pairs"][1][0]
    assert found["anp"] == (0.0, [])


@pytest.mark.parametrize("chip", ["ideal", "sonos"])
def test_passes_that_read_the_same_differ_by_nothing(uncompiled, chip):
    """On sonos it is cells that are noisy, which all passes of a step read at once."""
    run = ns.train(ns.Network(1, 4, 1), MackeyGlass(steps=30), ns.rules.NP(readout_lr=0.0, lr=1e-9), chip, epochs=1, baselines=False)
    assert run.own_noise == 0 and not run.warnings


def test_parts_may_be_named(uncompiled):
    named = ns.train(NETWORK, TASK, "np", "digital-8bit", epochs=1, baselines=False).experiment
    assert named.rule == ns.rules.NP() and named.chip == hw_models.load("digital-8bit")
    for arguments, message in (
        ((NETWORK, MackeyGlass, "np"), r"task must be a task such as ns\.tasks\.MackeyGlass\(\)"),
        ((NETWORK, "mackey", "np"), r'task\.name "mackey" is not known; did you mean "mackey-glass"'),
        ((NETWORK, TASK, "npp"), r'rule\.name "npp" is not known; did you mean "np"'),
        ((NETWORK, TASK, "np", "ideel"), r'Chip "ideel" is not in the catalogue; did you mean "ideal"'),
        (("net", TASK, "np"), r"network must be a part with its numbers, .*got 'net'"),
    ):
        with pytest.raises(ns.InputError, match=message):
            ns.train(*arguments)
    with pytest.raises(ns.InputError, match=r'DANP has no option lrr; did you mean "lr"'):
        DANP(lrr=1.0)


def test_what_a_run_and_a_simulator_say_of_themselves(uncompiled):
    run = ns.train(NETWORK, TASK, "np", "digital-8bit", epochs=1, baselines=False)
    assert repr(run).startswith("<Run of np on digital-8bit: mackey-glass, 1 epoch, test loss 0.") and "array" not in repr(run.dataset)
    assert repr(run.learner) == "<Simulator of 1-8-1 Tanh neurons on digital-8bit, float32, learning by np, step 60>"
    assert "train 1 x 60 x 1 -> 1" in repr(run.dataset)
