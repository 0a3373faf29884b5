"""The closed formula against the loop, call by call, for every rule and kind of chip, and against numbers worked out by hand."""

import functools
from collections import Counter

import numpy as np
import pytest

from hw_models.chip import Chip, load
from hw_models.events import Event, Phase
from hw_models.memory import Unlimited
from hw_models.reward import DigitalWire
from neurosim.cost.ledger import Count, Ledger, Workload, count, is_device
from neurosim.network import Network
from neurosim.neurons import Leaky, Linear, ReLU
from neurosim.rules import ANP, DANP, DNP, NP, WP, Gradient
from neurosim.simulator import Simulator

SMALL, DEEP = Network(2, 5, 1), Network(2, (5, 6), 3, neuron=Leaky())
PASSES = (Phase.CLEAN, Phase.PERTURBED)


def watched(part, calls, name, *methods):
    """The same part, counting calls of some of its methods."""

    def watch(method):
        original = getattr(type(part), method)

        @functools.wraps(original)
        def call(self, *args):
            calls[f"{name}.{method}"] += 1
            return original(self, *args)

        return call

    body = {method: watch(method) for method in methods}
    cls = type(type(part).__name__, (type(part),), body | ({"chance": None} if "write" in methods else {}))  # every cell is asked
    return cls(*part)


def called(network, chip, learning, steps, batch, counted):
    """Calls of the parts' methods while the plain loop learns one batch of sequences."""
    calls = Counter()
    seen = chip._replace(
        cell=watched(chip.cell, calls, "cell", "write"),
        tile=watched(chip.tile, calls, "tile", "gather", "finish"),
        dac=watched(chip.dac, calls, "dac", "convert"),
        adc=watched(chip.adc, calls, "adc", "convert"),
        noise=watched(chip.noise, calls, "noise", "next"),
        wire=watched(chip.wire, calls, "wire", "send"),
    )
    learning = learning._replace(rule=watched(learning.rule, calls, "rule", "signal", "trace", "change"))
    learning = learning._replace(readout_rule=type(learning.rule)(*learning.readout_rule))
    network = network._replace(
        neuron=watched(network.neuron, calls, "neuron", "step"), readout=watched(network.readout, calls, "neuron", "step")
    )
    simulator = Simulator(network, seen, 1, learning, plain=True)
    calls.clear()
    rng = np.random.default_rng(1)
    shape = (batch, steps)
    simulator.learn(rng.standard_normal((*shape, network.inputs)), rng.standard_normal((*shape, network.outputs)), counted)
    return calls


RULES = {
    "wp": WP(), "np": NP(), "anp": ANP(), "danp": DANP(), "dnp all": DNP(decorrelate="all"), "trace": NP(trace=0.9),
    "reward at the end": ANP(trace=1.0, reward="sequence"), "update at the end": NP(update="sequence"), "two noisy": ANP(passes="noisy-noisy"),
    "running": ANP(norm="running"), "wp trace": WP(trace=0.5),
}  # fmt: skip


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize(
    ("chip", "network", "batch"), [("digital-8bit", SMALL, 1), ("reram-es", DEEP, 2), ("pcm-hermes", DEEP, 1), ("odin", SMALL, 2)]
)
def test_the_formula_counts_what_the_loop_does(rule, chip, network, batch):
    chip, learning, steps = load(chip)._replace(memory=Unlimited()), RULES[rule].learning(), 3
    counted = np.ones((batch, steps), bool)
    calls = called(network, chip, learning, steps, batch, counted)
    ledger = count(network, chip, learning, Workload(steps, batch))
    device = is_device(chip.cell)
    assert ledger.total(Event.ANALOG_READ if device else Event.MAC, *PASSES).typical == calls["tile.gather"]
    if device:
        assert ledger.total(Event.DAC).typical == calls["dac.convert"]
        assert ledger.total(Event.ADC).typical == calls["adc.convert"] == calls["tile.finish"]
    numbers = ledger.total(Event.GAUSSIAN, Phase.PERTURBED, Phase.UPDATE)
    if not device:  # Bernoulli noise takes a bit a number; inputs are rounded with 16 a number, words with 16 a write
        numbers = ledger.total(Event.RANDOM_BIT, Phase.PERTURBED, Phase.UPDATE)
        passes = sum(learning.passes) * calls["dac.convert"] / len(learning.passes)
        numbers = Count(*(n - 16 * passes - 16 * calls["cell.write"] for n in numbers))
    assert numbers.typical == calls["noise.next"]
    each = steps * batch
    neurons = sum(network.layers) + network.outputs
    assert calls["neuron.step"] == 2 * each * neurons
    if learning.rule.site == "current":
        assert calls["rule.signal"] == each * neurons
    written = ledger.total(Event.PULSE if device else Event.WEIGHT_WRITE, Phase.UPDATE)
    assert written.high == calls["cell.write"] * getattr(chip.cell, "longest", 1)
    assert written.low == 0
    sent = each if learning.every_step else batch
    assert calls["wire.send"] == sent


def test_one_step_by_hand():
    """np on digital-8bit with 2 inputs, 5 tanh neurons, 1 linear output: 10 + 25 + 5 = 40 synapses in 2 + 5 + 5 = 12 rows, 6 neurons."""
    ledger = count(SMALL, load("digital-8bit"), NP(normalise=False, carry=1.0).learning(), Workload(steps=1))
    exact = {key: n.typical for key, n in ledger.items() if n.exact}
    one_pass = {
        Event.MAC: 40,
        Event.MULTIPLY: 5 + 5 + 1,  # the scale of each column
        Event.ADD: 5 + 5 + 1,
        Event.NONLINEARITY: 5,
        Event.STATE_READ: 12,
        Event.STATE_WRITE: 6,
        Event.SPIKE: 12,
        Event.RANDOM_BIT: 12 * 16,
    }
    assert exact == {
        **{(Phase.CLEAN, event): n for event, n in one_pass.items()},
        **{(Phase.PERTURBED, event): n for event, n in one_pass.items()},
        (Phase.CLEAN, Event.WEIGHT_READ): 40,
        (Phase.CLEAN, Event.BARRIER): 1,
        (Phase.PERTURBED, Event.ADD): 11 + 6,
        (Phase.PERTURBED, Event.RANDOM_BIT): 12 * 16 + 6,
        (Phase.REWARD, Event.ADD): 3 + 1,  # dy * (dy + 2 (y - t)): two sums inside, one difference of the passes ...
        (Phase.REWARD, Event.MULTIPLY): 2,
        (Phase.REWARD, Event.REDUCTION): 1,
        (Phase.REWARD, Event.BARRIER): 1,
        # xi / sigma**2 a neuron; (lr reward) once a projection, times pre once a row, times a once a synapse
        (Phase.UPDATE, Event.MULTIPLY): 6 + 3 + 12 + 40 + 12,
        (Phase.UPDATE, Event.REDUCTION): 12,  # the energy of the inputs, for which the rule asks whatever it does with it
        (Phase.UPDATE, Event.ADD): 40,
        (Phase.UPDATE, Event.STATE_READ): 12 + 11,
        (Phase.UPDATE, Event.STATE_WRITE): 12 + 6,
        (Phase.UPDATE, Event.WEIGHT_READ): 40,
        (Phase.UPDATE, Event.RANDOM_BIT): 40 * 16,
        (Phase.IDLE, Event.SECOND): 1e-3,
    } | {(Phase.REWARD, Event.ADD): 2 + 1}
    assert ledger[Phase.UPDATE, Event.WEIGHT_WRITE] == Count(0, 40, 40)


def test_backpropagation_by_walking_through_the_arrays():
    steps, batch = 4, 2
    for network in (SMALL, Network(2, (5, 6), 3)):
        forward = outer = back = 0
        sizes = [network.inputs, *network.layers, network.outputs]
        for t in range(steps):
            for k, (pre, post) in enumerate(zip(sizes, sizes[1:])):
                for _ in range(pre * post):
                    forward, outer, back = forward + 1, outer + 1, back + (k > 0)
                for _ in range(post * post if k + 1 < len(sizes) - 1 else 0):
                    forward, outer, back = forward + 1, outer + 1, back + (t + 1 < steps)
        ledger = count(network, Chip(), Gradient("bptt"), Workload(steps, batch))
        assert ledger.total(Event.MAC, Phase.CLEAN).typical == batch * forward
        assert ledger.total(Event.MAC, Phase.UPDATE).typical == batch * (outer + back)
        assert ledger.total(Event.WEIGHT_READ, Phase.CLEAN).typical == forward
        synapses = sum(pre * post for pre, post in network.shapes())
        assert ledger.total(Event.WEIGHT_READ, Phase.UPDATE).typical == back + synapses
        assert ledger.total(Event.WEIGHT_WRITE).high == synapses


def test_truncation_writes_more_often_and_looks_back_less():
    whole, cut = (count(SMALL, Chip(), rule, Workload(12)) for rule in (Gradient("bptt"), Gradient("tbptt", k=4)))
    assert cut.total(Event.WEIGHT_WRITE).high == 3 * whole.total(Event.WEIGHT_WRITE).high
    assert whole.total(Event.MAC).typical - cut.total(Event.MAC).typical == 2 * 25  # two steps fewer through the recurrent weights


def test_a_decorrelating_rule_costs_three_products_of_a_matrix_a_step():
    ledger = count(SMALL, load("digital-8bit"), DANP().learning(), Workload(7, batch=2))
    assert ledger.total(Event.MAC, Phase.DECORRELATION).typical == 7 * 2 * 3 * 25  # D x in two passes, and y'D
    assert ledger.total(Event.WEIGHT_WRITE, Phase.DECORRELATION).high == 7 * 25


def test_everything_grows_with_the_number_of_sequences():
    work = Workload(5, sequences=1, cores=4, clock_hz=1e6)
    one, many = (count(DEEP, load("loihi"), ANP().learning(), work._replace(sequences=n)) for n in (1, 6))
    for key in one.keys() | many.keys():
        assert tuple(many[key]) == pytest.approx(tuple(6 * n for n in one[key]))


def test_a_network_on_one_core_sends_nothing_over_links():
    one, four = (count(SMALL, load("digital-8bit"), NP().learning(), Workload(3, cores=n)) for n in (1, 4))
    assert not one.total(Event.HOP).high and not one.total(Event.REWARD_BIT_LINK).high
    assert four.total(Event.HOP).typical == 3 * 2 * 12 * 3  # two passes, twelve rows, three links
    assert four.total(Event.REWARD_BIT_LINK).typical == 3 * 32 * 3


def test_rewards_that_are_late_lost_or_rare():
    wire = load("digital-8bit").replace(wire=DigitalWire(12, 1.0, delay=2))
    late = count(SMALL, wire, NP().learning(), Workload(5))
    assert late.total(Event.WEIGHT_READ, Phase.UPDATE) == Count(3 * 40, 3 * 40, 3 * 40)
    some = count(SMALL, wire, NP().learning(), Workload(5, counted=3))  # the counted ones may be the last
    assert some.total(Event.WEIGHT_READ, Phase.UPDATE) == Count(40, 3 * 40, 3 * 40)
    lossy = count(SMALL, wire.replace(wire=DigitalWire(12, 1.0, lost=0.25)), NP().learning(), Workload(4))
    assert lossy.total(Event.WEIGHT_READ, Phase.UPDATE) == Count(0, 3 * 40, 4 * 40)


def test_what_depends_on_data_is_an_expectation_between_bounds():
    chip = load("reram-es")
    ledger = count(SMALL, chip, NP().learning(), Workload(10, moves=2.5))
    assert ledger.total(Event.PULSE) == Count(0, 10 * 40 * 2.5, 10 * 40 * chip.cell.longest)
    assert not ledger[Phase.UPDATE, Event.PULSE].exact
    assert ledger[Phase.CLEAN, Event.ANALOG_READ].exact


def test_a_rectifier_compares_and_a_line_does_nothing():
    tanh, relu, linear = (count(SMALL._replace(neuron=neuron), Chip(), None, Workload(1)) for neuron in (SMALL.neuron, ReLU(), Linear()))
    assert tanh.total(Event.NONLINEARITY).typical == 5
    assert not relu.total(Event.NONLINEARITY).high and not linear.total(Event.NONLINEARITY).high
    assert relu.total(Event.ADD).typical - linear.total(Event.ADD).typical == 5


def test_a_ledger_adds_up():
    ledger = Ledger()
    ledger.add(Phase.CLEAN, Event.MAC, 3)
    ledger.add(Phase.CLEAN, Event.MAC, 2, 0, 4)
    ledger.add(Phase.UPDATE, Event.MAC, 1)
    ledger.add(Phase.UPDATE, Event.ADD, 0)
    assert ledger == {(Phase.CLEAN, Event.MAC): Count(3, 5, 7), (Phase.UPDATE, Event.MAC): Count(1, 1, 1)}
    assert ledger.total(Event.MAC) == Count(4, 6, 8)
    assert ledger.times(2).total(Event.MAC, Phase.CLEAN) == Count(6, 10, 14)


@pytest.mark.parametrize("name", ["digital-8bit", "reckon"])
def test_writes_of_a_run_lie_between_the_bounds(name):
    """What `moves` is in a run: changes that were not swallowed, over all synapses and updates."""
    rng, steps = np.random.default_rng(4), 20
    simulator = Simulator(SMALL, load(name), 1, NP().learning(), plain=True)
    inputs, targets = rng.standard_normal((1, steps, 2)), rng.standard_normal((1, steps, 1))
    outcome = simulator.learn(inputs, targets, np.ones((1, steps), bool))
    moved = outcome.asked - outcome.swallowed
    written = count(SMALL, load(name), NP().learning(), Workload(steps, moves=moved / (40 * steps))).total(Event.WEIGHT_WRITE)
    assert 0 < moved < outcome.asked <= written.high == 40 * steps
    assert written.typical == pytest.approx(moved)
