"""Graphs of NIR, built by hand and run against numbers worked by hand; ours written and read back."""

import functools
import importlib
import math

import nir
import numpy as np
import pytest
from typer.testing import CliRunner

import neurosim as ns
from hw_models.chip import Chip, load
from hw_models.parts import InputError
from neurosim import runs
from neurosim.cli import app
from neurosim.network import Network
from neurosim.neurons import LI, LIF, ExcInhLIF, Linear, Tanh
from neurosim.rules import Perturbation
from neurosim.simulator import Simulator
from neurosim.wiring import Dense, FeedForward, Sparse

MS = 1e-3
HALF = 1 / math.log(2)  # a time constant in steps after which a step leaves one half


def lif(n=1, tau=2 * MS, r=1.0, threshold=1.0, reset=0.0, leak=0.0):
    values = (np.broadcast_to(np.asarray(v, float), n).copy() for v in (tau, r, leak, threshold, reset))
    tau, r, leak, threshold, reset = values
    return nir.LIF(tau=tau, r=r, v_leak=leak, v_threshold=threshold, v_reset=reset)


def li(n=1, tau=4 * MS, r=1.0):
    return nir.LI(tau=np.full(n, tau), r=np.full(n, r), v_leak=np.zeros(n))


def cuba(n=1, tau_syn=4 * MS, w_in=1.0, **more):
    one = lif(n, **more)
    return nir.CubaLIF(np.full(n, tau_syn), one.tau, one.r, one.v_leak, one.v_threshold, one.v_reset, np.full(n, w_in))


def linear(*rows):
    return nir.Linear(np.array(rows, float))


def affine(weight, bias):
    return nir.Affine(np.array(weight, float), np.array(bias, float))


def graph(edges=None, inputs=1, outputs=1, **nodes):
    """A chain of the nodes in their order, or what is listed, as in "input a b output, b a"."""
    names = ["input", *nodes, "output"]
    chains = [chain.split() for chain in edges.split(",")] if edges else [names]
    pairs = [pair for chain in chains for pair in zip(chain, chain[1:])]
    ends = {"input": nir.Input(np.array([inputs])), "output": nir.Output(np.array([outputs]))}
    return nir.NIRGraph({**ends, **nodes}, pairs, type_check=False)


def run(source, inputs, record=("x", "y"), chip=None, **how):
    inputs = np.array(inputs, float)
    return ns.nir.read(source, **how).on(chip, dtype="float64", plain=True).run(inputs.reshape(len(inputs), -1), record)


CHAIN = {"fc1": affine([[2.0]], [0.5]), "lif": lif(), "fc2": linear([3.0]), "li": li()}


# ---------------------------------------------------------------- the steps of each tool, by hand


def test_steps_as_norse_takes_them():
    """v = v / 2 + (2 x + 1/2) / 2: 5/4 > 1, 1/4, 1/8 + 5/4 > 1, 5/4 > 1, each back to 0; y = 3/4 y + 3/4 z."""
    found = run(graph(**CHAIN), [1, 0, 1, 1], dt=MS, like="norse")
    assert found["x"].ravel().tolist() == [1, 0, 1, 1]
    assert found["y"].ravel().tolist() == [0.75, 0.5625, 1.171875, 1.62890625]


def test_steps_as_snntorch_takes_them():
    """beta 1/2 and r = 2 steps: v = v / 2 + 2 x + 1/2 - z: 5/2, 3/4 (5/4 if the threshold came off before the leak), 23/8, 47/16."""
    nodes = CHAIN | {"lif": lif(r=2.0), "li": lif(tau=2 * MS, r=2.0, threshold=2.5)}
    found = run(graph(**nodes), [1, 0, 1, 1], dt=MS, like="snntorch")
    assert found["x"].ravel().tolist() == [1, 0, 1, 1]
    assert found["y"].ravel().tolist() == [1, 0, 0, 1]  # 3 > 5/2; 3/2 - 5/2 = -1; -1/2 + 3 is not above; 5/4 + 3
    late = ns.nir.read(graph(**nodes), dt=MS, like="snntorch").network
    assert late.neuron == LIF(2 * MS, 0.0, 1.0, -1.0, reset="subtract", integration="euler")  # 2 are taken off, of which 1 is left then


def test_steps_as_sinabs_takes_them():
    """Times in steps; v = v / 2 + (2 x + 1/2) / 2, less 1 after a spike: 5/4, 1/8 + 1/4, 3/16 + 5/4, 7/32 + 5/4; y = y / 2 + 3 z."""
    nodes = CHAIN | {"lif": lif(tau=HALF), "li": li(tau=HALF)}
    found = run(graph(**nodes), [1, 0, 1, 1], like="sinabs", record=("x", "y", "v"))
    assert found["v"].ravel() == pytest.approx([0.25, 0.375, 0.4375, 0.46875], abs=1e-14)
    assert found["x"].ravel().tolist() == [1, 0, 1, 1] and found["y"].ravel() == pytest.approx([3, 1.5, 3.75, 4.875], abs=1e-14)


def test_steps_of_the_equations_themselves():
    """Exact: a leak of 1/2 and 2^(-1/2) a step; a current that begins at j and leaks like the membrane moves that by j / 2 / HALF."""
    nodes = CHAIN | {"lif": lif(tau=HALF * MS), "li": li(tau=2 * HALF * MS)}
    found = run(graph(**nodes), [1, 0, 1], dt=MS)
    keep = 0.5**0.5
    assert found["x"].ravel().tolist() == [1, 0, 1]
    y = 3 * (1 - keep)
    assert found["y"].ravel() == pytest.approx([y, keep * y, 3 * (1 - keep) + keep**2 * y], abs=1e-14)
    current = run(graph(fc=linear([2.0]), lif=cuba(tau_syn=HALF * MS, tau=HALF * MS, w_in=3.0, threshold=9.0)), [1, 0], ("v", "i"), dt=MS)
    jump = 2 * 3 / HALF
    assert current["i"].ravel() == pytest.approx([jump, jump / 2], rel=1e-14)
    assert current["v"].ravel() == pytest.approx([jump * 0.5 / HALF, 0.5 * jump * 0.5 / HALF + jump / 2 * 0.5 / HALF], rel=1e-14)


# ---------------------------------------------------------------- shapes of graphs


def test_recurrence_in_a_subgraph_and_a_delay():
    """One spike goes round: it arrives in the next step, and a step later over a delay of one."""
    inner = graph("input lif output, lif back lif", lif=lif(tau=1e-9, threshold=0.5), back=linear([1.0]))
    found = run(graph(fc=linear([1.0]), ring=inner), [1, 0, 0, 0], dt=MS)
    assert found["x"].ravel().tolist() == [1, 1, 1, 1]
    late = graph(
        "input lif output, lif late back lif", lif=lif(tau=1e-9, threshold=0.5), late=nir.Delay(np.array([MS])), back=linear([1.0])
    )
    assert run(graph(ring=late), [1, 0, 0, 0, 0], dt=MS)["x"].ravel().tolist() == [1, 0, 1, 0, 1]
    network = ns.nir.read(graph(ring=late)).network
    assert network == Network(1, 1, 1, network.neuron, wiring=Dense(MS))


def test_maps_in_a_row_and_side_by_side_are_one():
    nodes = {"a": affine([[1.0, 2.0]], [1.0]), "scale": nir.Scale(np.array([3.0])), "b": affine([[1.0], [2.0]], [1.0, -1.0])}
    one = ns.nir.read(graph("input a scale b lif output, input c lif", 2, 2, lif=lif(2), c=affine(np.eye(2), [0.0, 4.0]), **nodes))
    a, back, b = one.weights
    np.testing.assert_array_equal(a, [[4, 6], [6, 13], [4, 9]])  # (x a + 1) 3 b + ..., and x + (0, 4)
    assert back.shape == (0,) and one.network.wiring == FeedForward() and one.network.bias
    np.testing.assert_array_equal(b, [[1, 0], [0, 1], [0, 0]])  # spikes come out as they are


def test_thresholds_and_resistances_that_differ_go_into_the_weights():
    """Potentials twice as large are the same neuron: 8 over a threshold of 4 is 2 over 1."""
    differing = graph(fc=linear([8.0], [3.0]), lif=lif(2, r=[0.5, 1.0], threshold=[4.0, 1.5], reset=[0.8, 0.3]), out=linear([1.0, 1.0]))
    one = ns.nir.read(differing)
    assert one.network.neuron.v_threshold == 4.0 and one.network.neuron.v_reset == 0.8
    np.testing.assert_allclose(one.weights[0], [[4.0, 8.0]])
    drive = np.random.default_rng(1).uniform(0, 1, 50)
    alone = graph(fc=linear([3.0]), lif=lif(threshold=1.5, reset=0.3), out=linear([1.0]))
    np.testing.assert_array_equal(run(differing, drive)["x"][:, 1:], run(alone, drive)["x"])


def test_numbers_for_all_neurons_and_inputs_that_need_no_map():
    one = ns.nir.read(graph(fc=linear([1.0], [1.0]), lif=lif(1), out=linear([1.0, 1.0])))
    assert one.network.layers == (2,) and one.weights[0].shape == (1, 2)
    two = ns.nir.read(graph("input lif output", 3, 3, lif=lif(3)))
    np.testing.assert_array_equal(two.weights[0], np.eye(3))


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (graph(fc=linear([1.0]), gate=nir.Threshold(np.ones(1)), lif=lif()), r'Node "gate" is of kind Threshold, which is not run here'),
        (graph(fc=linear([1.0]), unit=nir.IF(np.ones(1), np.ones(1))), r'Node "unit" is of kind IF, which is not run here'),
        (graph(fc=linear([1.0], [1.0]), lif=lif(2, tau=[MS, 2 * MS])), r'Node "lif" has tau from 0\.001 to 0\.002'),
        (graph(fc=linear([1.0]), lif=lif(2)), r'Node "lif" has 2 values of tau for 1 neurons'),
        (graph(fc=linear([1.0]), a=lif(), w=linear([1.0]), b=lif(tau=9 * MS), out=linear([1.0])), r'Nodes "a" and "b" differ in tau_mem \(0\.002 and'),
        (graph(fc=linear([1.0]), a=li(), w=linear([1.0]), b=lif(), out=linear([1.0])), r'Nodes "a" and "b" are of two kinds'),
        (graph("input a b output, a w b", a=lif(), w=linear([1.0]), b=lif(), c=lif()), r'Node "c" hears from no other node'),
        (graph("input w a w b output, a v b", a=lif(), b=lif(), w=linear([1.0]), v=linear([1.0])), r'Node "(a|b)" hears from'),
        (graph("input a output, input b", a=lif(), b=lif()), r'Nodes "a" and "b" both hear from "input"'),
        (graph("input u a output, v u, u v", a=lif(), u=linear([1.0]), v=linear([1.0])), r'Node "u" hears from itself with no neuron in between'),
        (graph("input d a output", a=lif(), d=nir.Delay(np.array([MS]))), r'Node "a" hears from "input" 0\.001 s late'),
        (graph("input w output", w=linear([1.0])), r"There is no neuron in the graph"),
        (graph("input a w output, input w", a=lif(), w=linear([1.0])), r'Node "output" hears from "a" and "input"'),
        (graph(fc=linear([1.0]), lif=lif(threshold=0.0)), r'Node "lif" has a v_threshold that is not above 0'),
        (graph(fc=linear([1.0]), li=nir.LI(np.ones(1), np.ones(1), np.ones(1))), r'Node "li" has a v_leak that is not 0'),
    ],
)  # fmt: skip
def test_what_is_not_run_is_named(made, message):
    with pytest.raises(InputError, match=message):
        ns.nir.read(made)


def test_files_that_are_no_graphs(tmp_path):
    (tmp_path / "net.nir").write_text("no graph")
    for source, message in (("none.nir", "does not exist"), ("net.nir", "is not a NIR graph")):
        with pytest.raises(InputError, match=message):
            ns.nir.read(tmp_path / source)
    with pytest.raises(InputError, match=r"got int"):
        ns.nir.read(3)
    with pytest.raises(InputError, match=r'like "nose" is not known; did you mean "norse"'):
        ns.nir.read(graph(**CHAIN), like="nose")
    with pytest.raises(InputError, match=r"dt is the length of a step"):
        ns.nir.read(graph(**CHAIN), dt=0.0)


# ---------------------------------------------------------------- ours, written and read


NETWORKS = {
    "two layers": Network(3, (4, 5), 2, LIF(9e-3, refractory=2e-3, scatter=0.5, integration="euler"), LI(tau_syn=1e-3), bias=True, wiring=Dense(2e-3)),
    "without recurrence": Network(3, (4, 5), 2, LIF(tau_syn=0.0, reset="subtract", v_leak=0.02), LIF(), wiring=FeedForward(), gain=2.0),
    "sparse": Network(3, 6, 2, LIF(), Linear(), wiring=Sparse(0.4)),
    "integrators": Network(3, 6, 2, LI(), LI(9e-3)),
}  # fmt: skip


@pytest.mark.parametrize("network", NETWORKS.values(), ids=NETWORKS)
def test_what_is_written_comes_back(network, tmp_path):
    chip, rule, weights = load("analog-noisy")._replace(step_s=5e-4), Perturbation("anp", lr=0.25), network.weights(7)
    ns.nir.write(network, weights, tmp_path / "net.nir", chip, rule, seed=7)
    one = ns.nir.read(tmp_path / "net.nir")
    assert (one.network, one.chip, one.rule, one.seed) == (network, chip, rule, 7)
    for w, found in zip(weights, one.weights, strict=True):
        np.testing.assert_allclose(found, w, rtol=1e-15)
    inputs = np.random.default_rng(2).uniform(0, 3, (30, 3))
    here = ns.Simulator(network, chip, 7, dtype="float64", plain=True)
    here.program(weights, fit=True)
    np.testing.assert_allclose(one.on(dtype="float64", plain=True).run(inputs)["y"], here.run(inputs)["y"], atol=1e-12)


def test_another_tool_finds_the_equations_in_it():
    """Norse's steps of what we wrote: r 1, and w_in such that a spike moves the current by its weight."""
    network = Network(1, 1, 1, LIF(2 * MS, 4 * MS, 9.0), LI(4 * MS))
    made = ns.nir.write(network, [np.array([[2.0]]), np.zeros((1, 1)), np.array([[3.0]])])
    node = made.nodes["hidden"]
    assert type(node) is nir.CubaLIF and node.w_in == 4 and node.r == 1 and made.nodes["input_to_hidden"].weight == 2
    i = v = 0.0
    for x in (1.0, 0.0):
        i += MS / node.tau_syn[0] * (node.w_in[0] * 2 * x - i)
        v += MS / node.tau_mem[0] * (i - v)
    del made.metadata["neurosim"]
    found = run(made, [1, 0], ("i", "v"), dt=MS, like="norse")
    assert found["i"][-1] == i and found["v"][-1] == v


def test_what_nir_cannot_say():
    for network, message in (
        (Network(1, 2, 1), r"NIR has no neuron like Tanh"),
        (Network(1, 2, 1, LIF(), Tanh()), r"NIR has no neuron like Tanh"),
        (Network(1, 2, 1, ExcInhLIF()), r"NIR has no neuron like ExcInhLIF"),
    ):
        with pytest.raises(InputError, match=message):
            ns.nir.write(network, network.weights(0))
    with pytest.raises(InputError, match=r"The weights have shapes"):
        ns.nir.write(NETWORKS["sparse"], [np.zeros((2, 2))])
    with pytest.raises(InputError, match=r"A rule of your own \(int\)"):
        ns.nir.write(NETWORKS["sparse"], NETWORKS["sparse"].weights(0), rule=3)


def test_on_a_chip_it_runs_with_noise_and_learns():
    one = ns.nir.read(graph(inputs=2, outputs=1, **CHAIN | {"fc1": affine([[20.0, 20.0]], [0.0])}), dt=MS, like="norse")
    rule = Perturbation("anp", lr=0.05, readout_lr=0.05)
    there = one.on(load("analog-noisy"), seed=3, learning=rule.learning(), plain=True)
    assert there.chip.step_s == MS
    np.testing.assert_allclose(there.weights[0][:2], [[20], [20]], rtol=0.3)  # cells that were scaled to hold them
    inputs, counted = np.ones((1, 20, 2), np.float32), np.ones((1, 20), bool)
    before = there.weights
    assert there.learn(inputs, np.ones((1, 20, 1), np.float32), counted).finite
    assert any((w != w0).any() for w, w0 in zip(there.weights, before, strict=True))
    assert one.on(Chip(step_s=5.0)).chip.step_s == MS


# ---------------------------------------------------------------- the command line


@pytest.fixture
def neurosim(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for module in ("experiment", "transfer"):
        monkeypatch.setattr(importlib.import_module(f"neurosim.{module}"), "Simulator", functools.partial(Simulator, plain=True))
    return lambda *words: CliRunner().invoke(app, list(words))


SMALL = [
    f"--set={each}" for each in ("task.steps=60", "task.washout=10", "task.horizon=5", "task.validation_steps=30", "train.baselines=false")
]
LOUD = ["--set=chip.noise.sigma=0.5"]  # a perturbation that changes spikes


def test_a_graph_is_trained_evaluated_and_written_again(neurosim, tmp_path):
    ring = graph("input fc lif out output, lif back lif", fc=affine([[2.0]], [1.5]), lif=lif(), back=linear([-0.5]), out=linear([0.25]))
    nir.write(tmp_path / "net.nir", ring)
    result = neurosim(
        "train", "--init", "norse:net.nir", "--rule", "anp", "--chip", "ideal", "--epochs", "1", "--out", "mine", *SMALL, *LOUD
    )
    assert result.exit_code == 0, result.output
    experiment = (tmp_path / "mine" / "experiment.toml").read_text()
    assert 'init = "norse:net.nir"' in experiment and 'integration = "euler"' in experiment and "step_s = 0.001" in experiment
    assert neurosim("train", "--resume", "--out", "mine").exit_code == 0
    other = neurosim("evaluate", "mine", "--chip", "analog-noisy", "--repeat", "2")
    assert other.exit_code == 0 and "programmed into analog-noisy" in other.output
    assert neurosim("export", "mine", "--to", "nir").exit_code == 0
    again = ns.nir.read(tmp_path / "exports" / "mine.nir")
    assert again.network.neuron == LIF(2 * MS, 0.0, 1.0, integration="euler") and again.network.bias and again.rule == ns.rules.ANP()
    learned = runs.load("mine").weights
    for w, found in zip(learned, again.weights, strict=True):
        np.testing.assert_array_equal(found, w)
    assert learned[-1][0, 0] != 0.25 and learned[0][1, 0] != 1.5  # a bias learns as weights do
    assert neurosim("train", "--init", "exports/mine.nir", "--epochs", "1", "--out", "more", *SMALL).exit_code == 0
    assert 'name = "anp"' in (tmp_path / "more" / "experiment.toml").read_text()


def test_what_the_command_line_refuses(neurosim, tmp_path):
    nir.write(tmp_path / "net.nir", graph(fc=linear([1.0]), gate=nir.Threshold(np.ones(1))))
    for words, message in (
        (["train", "--init", "net.nir"], 'Node "gate" is of kind Threshold'),
        (["train", "--init", "none.nir"], "none.nir does not exist"),
        (["export", "mine", "--to", "nir", "--learn"], "A NIR graph has no learning"),
        (["export", "mine", "--to", "nir", "--out", "net.nir"], "net.nir exists"),
    ):
        result = neurosim(*words)
        assert result.exit_code == 2 and message in result.stderr, result.output
