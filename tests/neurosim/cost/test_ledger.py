"""Events of a run against the loop, call by call; the forecast against what a run counts, for every rule, chip and size; numbers by hand."""

import functools
from collections import Counter

import numpy as np
import pytest

from hw_models.chip import Chip, catalogue, load
from hw_models.circuit import AnalogCircuit
from hw_models.converters import Quantiser
from hw_models.events import Event, Phase
from hw_models.memory import Unlimited
from hw_models.noise import Bernoulli, Silent
from hw_models.parts import InputError
from hw_models.protocols import Nothing
from hw_models.reward import DigitalWire
from neurosim.account import Account, Carried, Count
from neurosim.bptt import GradientLearner
from neurosim.cost import Workload, count, epoch_of, events, forecast
from neurosim.cost.ledger import Ledger, is_device
from neurosim.network import Network
from neurosim.neurons import LI, LIF, Leaky, Linear, ReLU
from neurosim.rules import ANP, DANP, DNP, DWP, NP, NRL, OUA, WP, Gradient, Learning, node_perturbation
from neurosim.simulator import Simulator
from neurosim.tasks.dataset import Series
from neurosim.wiring import Dense, Sparse

SMALL, DEEP = Network(2, 5, 1), Network(2, (5, 6), 3, neuron=Leaky())
PASSES = (Phase.CLEAN, Phase.PERTURBED)


def watched(part, calls, name, *methods):
    """The same part, counting calls of some of its methods."""

    def watch(method):
        original = getattr(type(part), method)

        @functools.wraps(original)
        def call(self, *args):
            calls[f"{name}.{method}"] += 1
            result = original(self, *args)
            if method == "write":
                calls["pulses"] += int(result[1])
            return result

        return call

    body = {method: watch(method) for method in methods}
    cls = type(type(part).__name__, (type(part),), body | ({"chance": None} if "write" in methods else {}))  # every cell is asked
    return cls(*part)


def learned(network, chip, learning, steps, batch, counted=None):
    """Outcome of the plain loop that learns one batch of sequences of random numbers."""
    simulator = Simulator(network, chip, 1, learning, plain=True)
    rng, shape = np.random.default_rng(1), (batch, steps)
    counted = np.ones(shape, bool) if counted is None else counted
    return simulator.learn(rng.standard_normal((*shape, network.inputs)), rng.standard_normal((*shape, network.outputs)), counted)


def called(network, chip, learning, steps, batch):
    """Calls of the parts' methods meanwhile, and what the loop itself counted."""
    calls = Counter()
    seen = chip._replace(
        cell=watched(chip.cell, calls, "cell", "write"),
        tile=watched(chip.tile, calls, "tile", "gather", "finish"),
        dac=watched(chip.dac, calls, "dac", "convert"),
        adc=watched(chip.adc, calls, "adc", "convert"),
        noise=watched(chip.noise, calls, "noise", "next"),
        wire=watched(chip.wire, calls, "wire", "send"),
    )
    rule, readout_rule = (watched(one, calls, "rule", "signal", "trace", "change") for one in (learning.rule, learning.readout_rule))
    learning = learning._replace(rule=rule, readout_rule=readout_rule)
    network = network._replace(
        neuron=watched(network.neuron, calls, "neuron", "step"), readout=watched(network.readout, calls, "neuron", "step")
    )
    return calls, learned(network, seen, learning, steps, batch).account


RULES = {
    "wp": WP(), "np": NP(), "anp": ANP(), "nrl": NRL(), "dwp": DWP(), "dnp all": DNP(decorrelate="all"), "danp": DANP(), "trace": NP(trace=0.9),
    "wp trace": WP(trace=0.5), "reward at the end": ANP(trace=1.0, reward="sequence"), "update at the end": NP(update="sequence"),
    "two noisy": ANP(passes="noisy-noisy"), "two noisy np": NP(passes="noisy-noisy"), "wp two noisy": WP(passes="noisy-noisy"),
    "running": ANP(norm="running"), "expected": ANP(norm="expected"), "samples": NP(samples=3), "danp samples": DANP(samples=2),
    "antithetic": NP(passes="antithetic"), "antithetic samples": ANP(passes="antithetic", samples=2, perturb="all"),
    "single": NP(passes="noisy"), "momentum": NP(momentum=0.9), "anp momentum": ANP(momentum=0.5), "sign": NP(sign=True),
    "sign trace": ANP(sign=True, trace=0.5), "nrl samples": NRL(trace=0.0, samples=2), "carry": NP(carry=0.5),
    "oua": OUA(), "oua clean": OUA(passes="clean-noisy"), "wp samples": WP(samples=2), "wp antithetic": WP(passes="antithetic"),
    "wp momentum": WP(momentum=0.5), "wp single": WP(passes="noisy"), "trace samples": ANP(trace=0.5, samples=2),
    "inputs": DANP(decorrelate_inputs=True), "interval": NP(interval=2), "danp interval": DANP(interval=3, samples=2, carry=0.5),
    "threshold": NP(threshold=0.01), "interval, threshold": DANP(interval=3, sign=True, threshold=0.01, update="sequence"),
    "verified": NP(threshold=0.01, verify=True), "verified at the end": ANP(threshold=0.01, verify=True, update="sequence"),
    "readout by its activity": DNP(perturb="hidden", norm="bounded"), "np, readout over its layer": NP(perturb="hidden", interval=2, carry=0.5),
    "interval, momentum": ANP(interval=2, momentum=0.5, sign=True), "interval, two noisy": NP(interval=2, passes="noisy-noisy", update="sequence"),
}  # fmt: skip
GRADIENTS = [
    Gradient("bptt"),
    Gradient("tbptt", k=2),
    Gradient("eprop", k=3),
    Gradient("rflo", k=2, optimizer="sgd"),
    Gradient("bptt", learns="readout"),
]


def fit_for(rule, chip):
    """The chip with room for every register, cells that keep nothing where writes are verified, and without a source of noise that has a state,
    where each weight needs one.
    """
    chip = chip._replace(memory=Unlimited())
    chip = chip.replace(cell__update="direct") if rule.verify and getattr(chip.cell, "keeps", False) else chip
    return chip._replace(noise=Bernoulli(chip.noise.sigma)) if rule.method in ("wp", "oua") and chip.noise.State is not Nothing else chip


def iterative(network):
    """A rule that perturbs one layer in each pass has as many samples as there are layers."""
    return ANP(perturb="layer", samples=len(network.layers) + 1)


def assert_foretold(foretold, counted, waits=False):
    """Every number of a run's account lies where its forecast says, and exactly there if that has no bounds: which cells are asked has, if changes wait."""
    for name, n in counted._asdict().items():
        if name not in ("writes", "spikes"):
            found = getattr(foretold, name)
            assert found.low <= n <= found.high and (found.exact or name in ("begun", "ended")), name
    assert foretold.writes.keys() == counted.writes.keys() and foretold.spikes.keys() == counted.spikes.keys()
    for place, carried in counted.spikes.items():
        assert all(n.low <= of <= n.high for n, of in zip(foretold.spikes[place], carried)), place
    for place, writes in counted.writes.items():
        found = foretold.writes[place]
        assert found.visited.low <= writes.visited <= found.visited.high, place
        assert found.visited.exact or waits or not (foretold.begun.exact and foretold.ended.exact), place
        assert found.hits.low <= writes.hits <= found.hits.high, place
        assert writes.hits <= writes.visited or found.hits.high > found.visited.high, place


@pytest.mark.parametrize(("network", "batch"), [(Network(1, 2, 1), 2), (Network(2, (1, 3), 1, neuron=Leaky()), 1)], ids=["small", "deep"])
@pytest.mark.parametrize("name", catalogue())
def test_a_run_counts_what_was_foretold(name, network, batch):
    """Every rule on every chip."""
    there = load(name)
    for rule in (*RULES.values(), iterative(network)):
        chip, learning = fit_for(rule, there), rule.learning()
        steps = 5 if learning.interval > 1 else 2  # the first of two or three perturbations in any of the first steps
        counted = learned(network, chip, learning, steps, batch).account
        foretold = forecast(network, chip, learning, Workload(steps, batch))
        assert_foretold(foretold, counted, learning.threshold > 0)
        both = [events(network, chip, learning, account, 4, 2, 1e6) for account in (foretold, counted)]
        assert both[0].keys() >= both[1].keys()
        for key, n in both[1].items():
            assert n.exact and both[0][key].low <= n.low <= both[0][key].high
            assert not both[0][key].exact or n == pytest.approx(both[0][key])


@pytest.mark.parametrize("rule", GRADIENTS, ids=lambda rule: rule.method)
@pytest.mark.parametrize("network", [SMALL, DEEP], ids=["small", "deep"])
def test_a_reference_gradient_counts_what_was_foretold(network, rule):
    rng, shape = np.random.default_rng(3), (2, 7)
    inputs, targets = rng.standard_normal((*shape, network.inputs)), rng.standard_normal((*shape, network.outputs))
    outcome = GradientLearner(network, rule, plain=True).learn(inputs, targets, np.ones(shape, bool))
    assert_foretold(forecast(network, Chip(), rule, Workload(7, 2)), outcome.account)


@pytest.mark.parametrize("rule", [*RULES, "iterative"])
@pytest.mark.parametrize(
    ("chip", "network", "batch"), [("digital-8bit", SMALL, 1), ("reram-es", DEEP, 2), ("pcm-hermes", DEEP, 1), ("odin", SMALL, 2)]
)
def test_events_are_what_the_loop_calls(rule, chip, network, batch):
    rule = iterative(network) if rule == "iterative" else RULES[rule]
    chip, learning, steps = fit_for(rule, load(chip)), rule.learning(), 3
    calls, account = called(network, chip, learning, steps, batch)
    ledger = events(network, chip, learning, account)
    device, writes = is_device(chip.cell), [account.writes[place] for place in network.projections]
    asked = sum(found.visited for found in writes)
    assert ledger.total(Event.ANALOG_READ if device else Event.MAC, *PASSES).typical == calls["tile.gather"]
    if device:
        assert ledger.total(Event.DAC, *PASSES).typical == calls["dac.convert"]
        assert ledger.total(Event.ADC, *PASSES).typical == calls["adc.convert"] == calls["tile.finish"]
    kind = Event.GAUSSIAN if device else Event.RANDOM_BIT  # Bernoulli noise takes a bit a number
    given, again = (ledger.total(kind, phase).typical for phase in (Phase.PERTURBED, Phase.UPDATE))
    if not device:  # inputs are rounded with 16 bits a number, words with 16 a write
        given -= 16 * sum(learning.passes) * calls["dac.convert"] / len(learning.passes)
        again -= 16 * asked
    perturbs_weights = learning.rule.site == "weight"
    # the loop makes a weight's mirrored number anew from its key, and keeps what a chip makes again when the reward comes
    assert given == calls["noise.next"] / (2 if learning.antithetic and perturbs_weights else 1)
    assert again == (given if perturbs_weights else 0)
    each, synapses = steps * batch, sum(pre * post for pre, post in network.shapes())
    neurons = sum(network.layers) + network.outputs
    assert calls["neuron.step"] == len(learning.passes) * each * neurons
    formed = account.begun * batch * sum(network.layers) + each * network.outputs
    assert steps // learning.interval <= account.begun <= -(-steps // learning.interval)
    if learning.rule.site == "current":
        assert calls["rule.signal"] == formed * (1 if learning.by_layer else learning.samples)
    assert calls["cell.write"] == asked or (
        learning.threshold > 0 and calls["cell.write"] > asked
    )  # the loop asks all, a chip those with a change
    assert calls["pulses"] == sum(found.hits for found in writes)
    top = network.layers[-1] * network.outputs
    inside = synapses - top
    if learning.rule.Register._fields:
        rounds = account.begun * batch if learning.interval > 1 else account.traced
        assert calls["rule.trace"] == (rounds * inside + account.traced * top) * learning.lanes
    else:  # with a register, the loop works out a change every step and drops it if no reward came
        rounds = account.begun * batch if learning.interval > 1 else account.changed
        assert calls["rule.change"] == rounds * inside + account.changed * top
    assert calls["wire.send"] == account.sent == learning.samples * (each if learning.every_step else batch)


class ByChance(node_perturbation.NP):
    """Node perturbation whose changes are made whole or not at all."""

    draws = {"settle": "u"}

    def settle(self, w, d, u):
        return 0.01 if u[0] * 0.01 < d else 0.0


def test_changes_by_chance_take_a_random_number_each_and_what_they_compute():
    kind, (network, batch) = ByChance(0.1, False), (SMALL, 2)
    plain, chance = (Learning("np", rule, rule) for rule in (node_perturbation.NP(0.1, False), kind))
    account = learned(network, Chip(), chance, 3, batch).account
    assert_foretold(forecast(network, Chip(), chance, Workload(3, batch)), account)
    without, ledger = (events(network, Chip(), learning, account) for learning in (plain, chance))
    changes = account.changed * sum(pre * post for pre, post in network.shapes())
    more = {event: ledger.total(event, Phase.UPDATE).typical - without.total(event, Phase.UPDATE).typical for event in Event}
    assert {event: n for event, n in more.items() if n} == {Event.RANDOM_BIT: 16 * changes, Event.MULTIPLY: changes, Event.ADD: changes}


@pytest.mark.parametrize(("update", "looks"), [("step", 6), ("sequence", 1)])
def test_changes_that_wait_are_summed_and_looked_at(update, looks):
    """Six steps: each adds to every register; whether it has come to the threshold is looked at when it may be written."""
    synapses = sum(pre * post for pre, post in SMALL.shapes())
    ledger, without = (
        count(SMALL, load("digital-8bit"), rule.learning(), Workload(6, 1)) for rule in (NP(threshold=0.1, update=update), NP())
    )
    more = {event: (ledger.total(event, Phase.UPDATE).typical - without.total(event, Phase.UPDATE).typical) / synapses for event in Event}
    writes = without.total(Event.WEIGHT_READ, Phase.UPDATE).typical / synapses  # a weight that is written is read and added to
    assert writes == 6
    assert more[Event.STATE_READ] == more[Event.STATE_WRITE] == 6
    assert more[Event.ADD] == 6 + looks - (6 - looks)
    assert ledger.total(Event.WEIGHT_WRITE, Phase.UPDATE).low == ledger.total(Event.WEIGHT_READ, Phase.UPDATE).low == 0


@pytest.mark.parametrize("name", ["digital-8bit", "reram-es"])
def test_a_cell_is_looked_at_before_and_after_a_write_that_is_verified(name):
    rule, chip = NP(lr=0.1, readout_lr=0.1, threshold=0.001), load(name)
    account = learned(SMALL, chip, rule.learning(), 6, 1).account
    asked = sum(account.writes[place].visited for place in SMALL.projections)
    ledger, without = (events(SMALL, chip, one.learning(), account) for one in (rule._replace(verify=True), rule))
    more = {event: ledger.total(event).typical - without.total(event).typical for event in Event}
    looks = [Event.ANALOG_READ, Event.DAC, Event.ADC] if is_device(chip.cell) else [Event.WEIGHT_READ]
    assert asked > 0
    assert {event: n for event, n in more.items() if n} == {event: 2 * asked for event in (*looks, Event.MULTIPLY)} | {Event.ADD: asked}


def test_changes_that_wait_are_written_as_often_as_cells_are_said_to_move():
    rules, work = (NP(), NP(threshold=0.1)), Workload(6, 1, moves=0.01)
    pulses = [count(SMALL, load("reram-es"), rule.learning(), work).total(Event.PULSE) for rule in rules]
    assert pulses[0] == pulses[1] and pulses[0].typical == pytest.approx(0.01 * 6 * 40)
    drawn = [count(SMALL, load("reram-es"), rule.learning(), work).total(Event.RANDOM_BIT, Phase.UPDATE).typical for rule in rules]
    assert drawn[1] == pytest.approx(0.01 * drawn[0])  # for cells that are asked alone


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


def test_trains_that_lines_share_are_drawn_once_a_line():
    """2 + 5, 5 + 5 and 5 + 1 lines of 31 slots; a rule with a trace, and a batch, draw a number for each of the 40 synapses instead."""
    chip = load("reram-es")
    chip = chip.replace(cell=chip.cell._replace(update="trains"))
    bits = lambda rule, batch: count(SMALL, chip, rule.learning(), Workload(steps=1, batch=batch))[Phase.UPDATE, Event.RANDOM_BIT].typical  # noqa: E731
    assert bits(NP(), 1) == pytest.approx(16 * 31 * (7 + 10 + 6))
    assert bits(NP(trace=0.5), 1) == bits(NP(), 2) == 16 * 40


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


def test_a_readout_that_learns_alone_sends_no_error_down():
    ledger = count(SMALL, Chip(), Gradient("bptt", learns="readout"), Workload(7, batch=2))
    readout = SMALL.shapes()[-1][0] * SMALL.outputs
    assert ledger.total(Event.MAC, Phase.UPDATE).typical == 2 * 7 * readout
    assert ledger.total(Event.WEIGHT_WRITE).high == readout


def test_truncation_writes_more_often_and_looks_back_less():
    whole, cut = (count(SMALL, Chip(), rule, Workload(12)) for rule in (Gradient("bptt"), Gradient("tbptt", k=4)))
    assert cut.total(Event.WEIGHT_WRITE).high == 3 * whole.total(Event.WEIGHT_WRITE).high
    assert whole.total(Event.MAC).typical - cut.total(Event.MAC).typical == 2 * 25  # two steps fewer through the recurrent weights


def test_a_decorrelating_rule_costs_three_products_of_a_matrix_a_step():
    ledger = count(SMALL, load("digital-8bit"), DANP().learning(), Workload(7, batch=2))
    assert ledger.total(Event.MAC, Phase.DECORRELATION).typical == 7 * 2 * 3 * 25  # D x in two passes, and y'D
    assert ledger.total(Event.WEIGHT_WRITE, Phase.DECORRELATION).high == 7 * 25


def test_everything_grows_with_the_number_of_sequences():
    work = Workload(5, sequences=1, links=3, clock_hz=1e6)
    one, many = (count(DEEP, load("loihi"), ANP().learning(), work._replace(sequences=n)) for n in (1, 6))
    for key in one.keys() | many.keys():
        assert tuple(many[key]) == pytest.approx(tuple(6 * n for n in one[key]))


def test_a_network_on_one_core_sends_nothing_over_links():
    one, four = (count(SMALL, load("digital-8bit"), NP().learning(), Workload(3, links=n)) for n in (0, 3))
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


@pytest.mark.parametrize("interval", [1, 2, 4])
@pytest.mark.parametrize(
    "wire", [DigitalWire(12, 1.0), DigitalWire(12, 1.0, delay=2), DigitalWire(12, 1.0, lost=0.4)], ids=["", "late", "lossy"]
)
@pytest.mark.parametrize("shown", [range(7), range(3, 7), [0, 5]], ids=["all", "the last", "two"])
def test_intervals_in_which_something_was_heard_are_within_bounds(interval, wire, shown):
    chip, learning, counted = Chip(wire=wire), NP(interval=interval).learning(), np.isin(np.arange(7), shown)[None]
    account = learned(SMALL, chip, learning, 7, 1, counted).account
    foretold = forecast(SMALL, chip, learning, Workload(7, counted=len(shown)))
    assert foretold.ended.low <= account.ended <= foretold.ended.high <= -(-7 // interval)
    assert foretold.ended.low <= foretold.ended.typical <= foretold.ended.high
    if len(shown) == 7 and wire == DigitalWire(12, 1.0):
        assert foretold.ended == foretold.begun == Count(7 // interval, 7 / interval, -(-7 // interval))
    assert account.writes["input to hidden"].visited == account.ended * 10


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


def test_an_analog_neuron_answers_by_itself():
    """Leaky neurons in logic read their membrane, sum twice, multiply and write it; in a circuit of their own they answer, and that is all."""
    network, chip = SMALL._replace(neuron=Leaky(0.5)), load("digital-8bit")
    logic, analog = (count(network, one, None, Workload(1)) for one in (chip, chip._replace(neuron=AnalogCircuit())))
    assert logic.total(Event.NONLINEARITY).typical == 5 and analog.total(Event.NONLINEARITY).typical == 5 + 1
    less = {event: logic.total(event).typical - analog.total(event).typical for event in Event}
    assert {event: n for event, n in less.items() if n} == {
        Event.NONLINEARITY: -1, Event.ADD: 10, Event.MULTIPLY: 5, Event.STATE_READ: 5, Event.STATE_WRITE: 5,
    }  # fmt: skip


def test_a_ledger_adds_up():
    ledger = Ledger()
    ledger.add(Phase.CLEAN, Event.MAC, 3)
    ledger.add(Phase.CLEAN, Event.MAC, 2, Count(0, 1, 2))
    ledger.add(Phase.UPDATE, Event.MAC, 1)
    ledger.add(Phase.UPDATE, Event.ADD, 0)
    assert ledger == {(Phase.CLEAN, Event.MAC): Count(3, 5, 7), (Phase.UPDATE, Event.MAC): Count(1, 1, 1)}
    assert ledger.total(Event.MAC) == Count(4, 6, 8)
    assert ledger.times(2).total(Event.MAC, Phase.CLEAN) == Count(6, 10, 14)


def test_a_run_without_learning_is_a_clean_pass():
    """A network that learned with decorrelation keeps its matrices: two sequences of four steps take 8 products of 5 x 5 and no writes."""
    chip, learning = load("digital-8bit"), DANP().learning()
    simulator = Simulator(SMALL, chip, 1, learning, plain=True)
    shape = (2, 4)
    account = simulator.evaluate(np.ones((*shape, 2)), np.ones((*shape, 1)), np.ones(shape, bool)).account
    assert account == Account(steps=4, clean=8)
    ledger = events(SMALL, chip, learning, account)
    assert {phase for phase, _ in ledger} == {Phase.CLEAN, Phase.DECORRELATION, Phase.IDLE}
    assert ledger[Phase.DECORRELATION, Event.MAC].typical == 8 * 25
    plain = events(SMALL, chip, None, account)
    assert plain == count(SMALL, chip, None, Workload(4, 2)) and not plain.total(Event.MAC, Phase.DECORRELATION).high


def test_a_run_counts_rewards_that_are_late_rare_or_at_the_end():
    chip = load("digital-8bit").replace(wire=DigitalWire(12, 1.0, delay=2))
    counted = np.zeros((2, 5), bool)
    counted[0, 1:4] = counted[1, 2:] = True  # sent in steps 2 to 5, delivered in 4 and 5
    found = learned(SMALL, chip, NP().learning(), 5, 2, counted).account
    assert (found.compared, found.sent, found.arrived, found.learned, found.changed, found.written) == (6, 6, 3, 2, 4, 2)
    learning = ANP(trace=1.0, reward="sequence", update="sequence").learning()
    found = learned(SMALL, load("digital-8bit"), learning, 5, 2, counted).account
    assert (found.compared, found.sent, found.arrived, found.learned, found.changed, found.written) == (6, 2, 2, 1, 2, 1)


def test_rewards_that_may_be_lost_are_an_expectation():
    """Of 2 x 400 numbers a quarter is lost; a step learns unless both are: 375 of 400 on average, within five standard errors."""
    chip = load("digital-8bit").replace(wire=DigitalWire(12, 1.0, lost=0.25))
    learning, work = NP().learning(), Workload(400, 2)
    found, foretold = learned(Network(1, 1, 1), chip, learning, 400, 2).account, forecast(Network(1, 1, 1), chip, learning, work)
    for name, mean, p in (("arrived", 600, 0.75), ("learned", 375, 1 - 1 / 16)):
        n, told = getattr(found, name), getattr(foretold, name)
        assert told.low == 0 and told.typical == mean and n < told.high
        assert abs(n - mean) < 5 * (told.high * p * (1 - p)) ** 0.5


@pytest.mark.parametrize("name", ["digital-8bit", "reckon", "reram-es", "pcm", "analog-noisy"])
def test_expected_writes_are_those_of_a_run_that_measured_how_often_cells_move(name):
    """`moves` is hits over visits, of all arrays together: the forecast of the whole then is what the run counted."""
    chip, learning = load(name)._replace(memory=Unlimited()), NP(lr=0.1).learning()
    account = learned(SMALL, chip, learning, 20, 1).account
    visited, hits = (sum(getattr(writes, field) for writes in account.writes.values()) for field in ("visited", "hits"))
    ledger = count(SMALL, chip, learning, Workload(20, moves=hits / visited))
    found = ledger.total(Event.PULSE if is_device(chip.cell) else Event.WEIGHT_WRITE, Phase.UPDATE)
    assert visited == 40 * 20 and hits > 0
    assert found.typical == pytest.approx(hits) and found.low <= hits <= found.high


@pytest.mark.parametrize("name", ["reram-es", "ecram", "pcm", "digital-8bit"])
def test_pulses_are_counted_alike_whoever_is_asked(name):
    """A cell that states its chance is asked only if it may move; the account is that of asking each, on either side of four rows."""
    chip, learning = load(name)._replace(memory=Unlimited()), NP(lr=0.1, readout_lr=0.1).learning()
    asked = watched(chip.cell, Counter(), "cell", "write")
    network = Network(2, 6, 1)
    one, each = (learned(network, chip._replace(cell=cell), learning, 6, 1).account for cell in (chip.cell, asked))
    assert one == each and sum(found.hits for found in one.writes.values()) > 0


def test_an_epoch_of_sequences_that_do_not_count_in_the_same_steps():
    """Four sequences, two side by side: the pairs are told a reward in 3 and in 4 of 4 steps, a single one in 3, 3, 3 and 2."""
    counted = np.ones((4, 4), bool)
    counted[:, 0] = counted[3, 1] = False
    counted[3, 0], counted[3, 2] = True, False
    work = epoch_of(Series(np.zeros((4, 4, 2)), np.zeros((4, 4, 1)), counted), 2)
    assert (work.sequences, work.batches, work.counted, work.rewarded) == (4, 2, 11 / 4, 3.5)
    learning, total = DANP().learning(), Account()
    for first in (0, 2):
        total = total.plus(learned(SMALL, load("digital-8bit"), learning, 4, 2, counted[first : first + 2]).account)
    assert_foretold(forecast(SMALL, load("digital-8bit"), learning, work), total)


@pytest.mark.parametrize("name", ["digital-8bit", "pcm-hermes"])
def test_spikes_are_counted_and_each_meets_its_row_of_weights(name):
    """Spikes of six neurons reach the readout in the step in which they are sent, and the six neurons one step later."""
    network, chip, learning = Network(2, 6, 1, neuron=LIF(5e-3, 0.0, v_threshold=0.2)), load(name), NP().learning()
    simulator = Simulator(network, chip, 1, learning, plain=True)
    shape, device = (2, 12), is_device(chip.cell)
    inputs, targets = np.random.default_rng(5).uniform(0, 9, (*shape, 2)), np.zeros((*shape, 1))
    outcome = simulator.evaluate(inputs, targets, np.ones(shape, bool), record=("x",))
    x, spikes = outcome.records["x"], outcome.account.spikes
    there, back = int(x.sum()), int(x[:, :-1].sum())
    assert 0 < back < there < x.size
    assert spikes == {"hidden to hidden": Carried(back, 0, 6 * back, 0), "hidden to readout": Carried(there, 0, there, 0)}
    ledger = events(network, chip, None, outcome.account, links=3)
    if device:
        assert ledger[Phase.CLEAN, Event.ANALOG_READ].typical == 24 * 12 + back * 6 + there
        assert ledger[Phase.CLEAN, Event.DAC].typical == 24 * 2  # of the inputs alone
    else:
        assert ledger[Phase.CLEAN, Event.MAC].typical == 24 * 12 and ledger[Phase.CLEAN, Event.AC].typical == back * 6 + there
        assert ledger[Phase.CLEAN, Event.WEIGHT_READ].typical == 12 * 12 + back * 6 + there  # those of the inputs once for both sequences
    assert ledger[Phase.CLEAN, Event.NONLINEARITY].typical == 24 * 6  # whether to spike
    assert ledger[Phase.CLEAN, Event.SPIKE].typical == 24 * 2 + back + there
    assert ledger[Phase.CLEAN, Event.HOP].typical == 3 * (24 * 2 + back + there)
    counted, rate = simulator.learn(inputs, targets, np.ones(shape, bool)).account, there / x.size
    foretold = forecast(network, chip, learning, Workload(12, 2, rate=rate))
    assert_foretold(foretold, counted)
    assert foretold.spikes["hidden to readout"].clean.typical == pytest.approx(there)
    # two sequences of 12 steps, in the first of which nothing has come back yet
    most = {"hidden to hidden": 2 * 11 * 6, "hidden to readout": 2 * 12 * 6}
    assert {name: (found.clean.low, found.clean.high) for name, found in foretold.spikes.items()} == {
        name: (0, n) for name, n in most.items()
    }
    assert foretold.spikes["hidden to hidden"].clean_synapses.high == 2 * 11 * 36


SPARSE = Network(2, 12, 1, neuron=LIF(5e-3, 0.0, v_threshold=0.2), wiring=Sparse(0.3, 2e-3))


@pytest.mark.parametrize("name", ["digital-8bit", "analog-noisy"])
def test_late_spikes_meet_the_synapses_that_exist(name):
    """Each spike of a sparse layer comes back three steps later, to the wires of its row, one after the other."""
    chip, learning, shape = load(name), NP().learning(), (2, 15)
    simulator, device = Simulator(SPARSE, chip, 4, learning, plain=True), is_device(chip.cell)
    inputs, targets = np.random.default_rng(5).uniform(0, 9, (*shape, 2)), np.zeros((*shape, 1))
    outcome = simulator.evaluate(inputs, targets, np.ones(shape, bool), record=("x",))
    wires, back, met, there = simulator.wires[1], 0, 0, 0
    for _, t, j in np.argwhere(outcome.records["x"]):
        there += 1
        if t + 3 < shape[1]:
            back += 1
            for _ in range(wires.start[j], wires.start[j + 1]):
                met += 1
    n = len(wires.post)
    assert 0 < back < there and met not in (back * 12, round(back * n / 12)) and n != round(0.3 * 144)
    assert outcome.account.spikes == {"hidden to hidden": Carried(back, 0, met, 0), "hidden to readout": Carried(there, 0, there, 0)}
    ledger = events(SPARSE, chip, None, outcome.account, links=3, seed=4)
    if device:
        assert ledger[Phase.CLEAN, Event.ANALOG_READ].typical == 30 * 24 + met + there
    else:
        assert ledger[Phase.CLEAN, Event.AC].typical == met + there
        assert ledger[Phase.CLEAN, Event.WEIGHT_READ].typical == 15 * 24 + met + there
    words = len(SPARSE.neuron.State._fields) * 30 * 12 + len(SPARSE.readout.State._fields) * 30
    lists = 0 if device else met + back  # where each wire leads, and where the row's list begins
    if not hasattr(chip.neuron, "pace"):
        assert ledger[Phase.CLEAN, Event.STATE_READ].typical == words + 30 * 2 + back + there + lists
    late_ones = (
        ledger[Phase.CLEAN, Event.STATE_WRITE].typical
        - events(SPARSE._replace(wiring=Sparse(0.3)), chip, None, outcome.account, seed=4)[Phase.CLEAN, Event.STATE_WRITE].typical
    )
    assert late_ones == back
    counted = simulator.learn(inputs, targets, np.ones(shape, bool)).account
    assert counted.writes["hidden to hidden"].visited == 15 * n
    foretold = forecast(SPARSE, chip, learning, Workload(15, 2, seed=4))
    assert_foretold(foretold, counted)
    assert foretold.spikes["hidden to hidden"].clean_synapses == Count(0, 2 * 12 * n, 2 * 12 * n)


def test_numbers_meet_the_synapses_that_exist():
    """Seven tanh neurons, half wired, with a trace: two passes of three steps through each wire, which learns from the second step on."""
    network, chip, learning = Network(2, 7, 1, wiring=Sparse(0.5)), load("digital-8bit"), NP(trace=0.9).learning()
    simulator = Simulator(network, chip, 2, learning, plain=True)
    rng, n = np.random.default_rng(1), len(simulator.wires[1].post)
    account = simulator.learn(rng.standard_normal((1, 3, 2)), rng.standard_normal((1, 3, 1)), np.ones((1, 3), bool)).account
    ledger, dense = (events(one, chip, learning, account, seed=2) for one in (network, network._replace(wiring=Dense())))
    synapses = 14 + n + 7
    assert n != 49 and ledger.total(Event.MAC).typical == 2 * 3 * synapses
    assert ledger.total(Event.WEIGHT_READ, Phase.CLEAN).typical == 3 * synapses
    assert account.written == 3 and ledger.total(Event.WEIGHT_READ, Phase.UPDATE).typical == 3 * synapses
    # of a wire: where it leads, when it is read and when it is written, and its row's list, which each of two passes looks up
    less = dense.total(Event.STATE_READ).typical - ledger.total(Event.STATE_READ).typical
    assert less == 3 * (49 - n) - (3 * n + 3 * n + 2 * 3 * 7)  # beside the registers of the synapses that do not exist
    assert_foretold(forecast(network, chip, learning, Workload(3, seed=2)), account)


def test_pulses_of_wires_are_counted():
    network, chip = Network(2, 6, 1, wiring=Sparse(1.0)), load("reram-es")._replace(memory=Unlimited())
    calls, account = called(network, chip, NP(lr=0.1, readout_lr=0.1).learning(), 6, 1)
    assert calls["pulses"] == sum(found.hits for found in account.writes.values()) > account.writes["input to hidden"].visited


def test_reference_gradients_of_spikes_are_not_counted():
    for network, name in ((SMALL._replace(neuron=LIF()), "LIF"), (SMALL._replace(readout=LI()), "LI")):
        with pytest.raises(InputError, match=rf"reference gradients \(tbptt\) through {name} cannot be counted"):
            count(network, Chip(), Gradient(), Workload(2))


def test_decorrelated_spikes_are_numbers():
    network = Network(2, (3, 4), 1, neuron=LIF())
    for rule, carried in ((NP(), [1, 2, 3, 4]), (DNP(), [1, 3]), (DNP(decorrelate="all"), [])):
        spikes = learned(network, load("digital-8bit"), rule.learning(), 2, 1).account.spikes
        assert list(spikes) == [network.projections[k] for k in carried]
        assert_foretold(
            forecast(network, load("digital-8bit"), rule.learning(), Workload(2)),
            learned(network, load("digital-8bit"), rule.learning(), 2, 1).account,
        )


def test_accounts_add_up_and_come_back_from_their_tables():
    one = learned(SMALL, load("digital-8bit"), DANP().learning(), 3, 2).account
    assert Account().plus(one) == one and Account.read(one.table()) == one
    assert one.plus(one).clean == 2 * one.clean == one.by(2).clean.typical
    place = "hidden to hidden"
    assert one.plus(one).writes[place].visited == 2 * one.writes[place].visited == one.by(2).writes[place].visited.low


def test_silent_noise_spares_no_pass():
    """The chip's own noise perturbs both passes: no number is drawn, and none is given."""
    chip, learning = load("pcm-hermes")._replace(noise=Silent()), ANP().learning()
    counted = learned(SMALL, chip, learning, 3, 1).account
    assert (counted.clean, counted.perturbed) == (0, 6)
    assert_foretold(forecast(SMALL, chip, learning, Workload(3)), counted)
    assert not events(SMALL, chip, learning, counted).total(Event.GAUSSIAN, Phase.PERTURBED).high


def test_only_one_bit_makes_a_product_a_sum():
    """NeuroBench counts -1, 0 and 1 as an accumulation, and so does `neurobench`; here three levels are products, two are not."""
    for dac, event in ((Quantiser(2, code="sign-magnitude"), Event.MAC), (Quantiser(1), Event.AC)):
        ledger = count(SMALL, load("digital-8bit").replace(dac=dac), None, Workload(1))
        assert {e: ledger.total(e).typical for e in (Event.MAC, Event.AC)} == {Event.MAC: 0, Event.AC: 0} | {event: 40}
