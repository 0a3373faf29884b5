"""Bits of the device, each number worked out beside the call."""

import pytest

from hw_models.chip import Chip, load
from hw_models.circuit import AnalogCircuit, FixedPointCircuit
from hw_models.memory import Limited
from hw_models.parts import InputError
from hw_models.reward import DigitalWire
from neurosim.memory import crossings, memory_bits, memory_over_steps
from neurosim.network import Network
from neurosim.neurons import ALIF, LIF, Leaky
from neurosim.rules import Perturbation
from neurosim.rules.reference import Gradient
from neurosim.simulator import Simulator
from neurosim.wiring import Dense

#: 2*4 + 4*4 + 4*3 + 3*3 + 3*1 = 48 synapses, 4 + 3 + 1 = 8 neurons
NETWORK = Network(2, (4, 3), 1)
DIGITAL = load("digital-8bit")
KEY_AND_COUNTER = 128


def used(rule, chip=DIGITAL, network=NETWORK, **options):
    return memory_bits(network, chip, rule.learning() if isinstance(rule, Perturbation) else rule, **options)


def test_activity_perturbation_on_eight_bits():
    assert used(Perturbation("anp")) == {
        "weights": 48 * 8,
        "wiring": 0,  # dense
        "state": 8 * 8,  # tanh keeps nothing but what it sends, as wide as the DAC
        "passes": 8 * 8,  # the noisy pass
        "learning": 8 * 32,  # a local signal a neuron
        "reward": 32,
        "random": KEY_AND_COUNTER,
    }


def test_a_neuron_circuit_is_as_wide_as_it_is():
    """A membrane in each of seven hidden neurons, and what all eight send through a DAC of eight bits."""
    leaky = NETWORK._replace(neuron=Leaky())
    assert used(Perturbation("anp"), network=leaky)["state"] == 7 * 32 + 8 * 8
    for neuron, bits in ((FixedPointCircuit(12), 7 * 12 + 8 * 8), (FixedPointCircuit(6), 7 * 6 + 8 * 6), (AnalogCircuit(), 8 * 8)):
        found = used(Perturbation("anp"), DIGITAL.replace(neuron=neuron), leaky)
        assert found["state"] == found["passes"] == bits


def test_late_spikes_wait_in_a_line_of_bits():
    """Three steps late: three bits in each of seven hidden neurons, in either pass."""
    soon, late = (used(Perturbation("np"), network=NETWORK._replace(neuron=LIF(), wiring=Dense(delay))) for delay in (0.0, 3e-3))
    assert {name: late[name] - soon[name] for name in soon if late[name] != soon[name]} == {"state": 3 * 7, "passes": 3 * 7}


def test_a_batch_shares_the_weights_alone():
    one, three = used(Perturbation("anp")), used(Perturbation("anp"), batch=3)
    assert three == {name: n * (1 if name in ("weights", "random") else 3) for name, n in one.items()}


def test_a_trace_takes_a_register_in_every_synapse():
    chip = DIGITAL.replace(memory=Limited(16, 64))
    assert used(Perturbation("np", trace=0.9), chip)["learning"] == 48 * 16 + 8 * 32
    assert used(Perturbation("np", trace=0.9), chip, batch=2)["learning"] == 2 * (48 * 16 + 8 * 32)


def test_a_running_mean_takes_a_word_in_every_neuron():
    assert used(Perturbation("anp", norm="running"))["learning"] == 8 * (16 + 32)
    readout = used(Perturbation("np", norm="bounded", perturb="hidden"))["learning"] - used(Perturbation("np"))["learning"]
    assert readout == 16  # of the one output


def test_changes_that_wait_take_a_word_in_every_synapse_once():
    assert used(Perturbation("anp", update="sequence"), batch=2)["learning"] == 2 * 8 * 32 + 48 * 32
    assert used(Perturbation("anp", threshold=0.01), batch=2)["learning"] == 2 * 8 * 32 + 48 * 16


def test_decorrelation_takes_a_matrix_a_layer():
    assert used(Perturbation("anp", decorrelation_lr=1e-3))["weights"] == 48 * 8 + (4 * 4 + 3 * 3) * 16
    inputs = NETWORK.inputs
    assert used(Perturbation("anp", decorrelation_lr=1e-3, decorrelate_inputs=True))["weights"] == 48 * 8 + (16 + 9 + inputs**2) * 16


def test_samples_that_wait_for_their_rewards_take_a_register_each():
    chip = DIGITAL.replace(memory=Limited(64, 64))
    assert used(Perturbation("np", trace=0.9, samples=3), chip)["learning"] == 3 * (48 * 16 + 8 * 32)
    assert used(Perturbation("np", samples=3), chip)["learning"] == 8 * 32


def test_over_an_interval_hidden_neurons_keep_a_signal_a_sample_and_what_their_rows_saw():
    rows = (2 + 4) + (4 + 3)
    assert used(Perturbation("np", samples=3, interval=5))["learning"] == (8 + 3 * 7 + rows) * 32
    assert used(Perturbation("np", samples=3, perturb="layer", interval=5))["learning"] == (8 + 7 + rows) * 32


def test_signals_that_are_kept_over_an_interval_need_room_in_every_hidden_neuron():
    learning = Perturbation("np", samples=3, interval=5).learning()
    assert learning.kept == {"signals": 96, "sum": 32, "sent": 32} and Perturbation("np", samples=3).learning().kept == {}
    Simulator(NETWORK, DIGITAL.replace(memory=Limited(0, 160)), 0, learning, plain=True)
    with pytest.raises(
        InputError, match=r"needs 160 bits in every neuron \(signals 96 bit, sum 32 bit, sent 32 bit\), but the chip .* has 159"
    ):
        Simulator(NETWORK, DIGITAL.replace(memory=Limited(0, 159)), 0, learning, plain=True)


def test_wires_neurons_and_analog_cells():
    leaky = NETWORK._replace(neuron=Leaky(0.5))
    found = used(Perturbation("anp"), DIGITAL.replace(wire=DigitalWire(12, 1.0)), leaky)
    assert found["reward"] == 12
    assert found["state"] == found["passes"] == 8 * 8 + 7 * 32  # a membrane in every hidden neuron
    assert used(Perturbation("anp"), load("analog-noisy"))["weights"] == 0  # conductances are devices, not bits
    assert used(Perturbation("anp"), Chip())["weights"] == 48 * 32


@pytest.mark.parametrize(
    ("rule", "learning"),
    [
        (Gradient("bptt"), 50 * 8 * 32 + 48 * 32 + 2 * 48 * 32),  # a history, a gradient, two moments
        (Gradient("bptt", optimizer="sgd"), 50 * 8 * 32 + 48 * 32),
        (Gradient("bptt", learns="readout"), 3 * 3 * 32),  # of three weights
        (Gradient("tbptt", k=10, optimizer="sgd"), 10 * 8 * 32 + 48 * 32),
        (Gradient("tbptt", k=80, optimizer="sgd"), 50 * 8 * 32 + 48 * 32),  # a window ends with the sequence
    ],
    ids=["adam", "sgd", "readout", "window", "long window"],
)
def test_gradients_keep_a_history(rule, learning):
    found = used(rule, Chip(), steps=50)
    held = (3 if rule.learns == "readout" else 48) * 32 * (3 if rule.optimizer == "adam" else 1)  # whatever the batch
    assert found == {"weights": 48 * 32, "wiring": 0, "state": 8 * 32, "passes": 0, "learning": learning, "reward": 0, "random": 0}
    assert used(rule, Chip(), steps=50, batch=2)["learning"] == 2 * learning - held


def test_spikes_leave_an_eligibility_of_their_own_in_every_synapse():
    """Of potential, synaptic current and adaptation, in the 45 synapses that do not lead to the readout."""
    for neuron, fields in ((LIF(tau_syn=0.0), 1), (LIF(), 2), (ALIF(), 3)):
        network = NETWORK._replace(neuron=neuron)
        for rule, fixed in ((Gradient("eprop", optimizer="sgd"), 0), (Gradient("rflo", optimizer="sgd"), 7 * 1)):
            assert used(rule, Chip(), network)["learning"] == (48 + fields * 45 + fixed) * 32


# ---------------------------------------------------------------- over the length of a sequence

ONE = Network(1, 10, 1)  # 10 + 100 + 10 = 120 synapses, of them 110 not of the readout; 11 neurons


def test_memory_of_learning_beyond_weights_and_one_pass():
    found = memory_over_steps(ONE, DIGITAL, 50)
    second_pass, reward = 11 * 8, 32
    assert found == {
        "anp, reward every step": second_pass + 11 * 32 + reward + KEY_AND_COUNTER,
        "anp, reward at the end": second_pass + 120 * 16 + 11 * 32 + reward + KEY_AND_COUNTER,
        "nrl": second_pass + 120 * 16 + 11 * 32 + reward + 32 + KEY_AND_COUNTER,  # and the mean of rewards
        "e-prop": 110 * 16 + 10 * 32 + 11 * 32,
        "e-prop factorised": (1 + 20 + 1) * 16 + 10 * 32 + 11 * 32,
        "rtrl": 10 * 110 * 32 + 120 * 32,
        "bptt": 50 * 11 * 32 + 120 * 32,
    }


def test_only_a_reward_every_step_makes_perturbation_a_matter_of_neurons():
    small, large = (memory_over_steps(Network(1, n, 1), DIGITAL, 50) for n in (100, 1000))
    growth = {name: large[name] / small[name] for name in small}
    assert 9 < growth["anp, reward every step"] < 10 and 9 < growth["e-prop factorised"] < 10
    assert 90 < growth["anp, reward at the end"] < 100 and 90 < growth["e-prop"] < 100
    assert 900 < growth["rtrl"] < 1000


@pytest.mark.parametrize("network", [ONE, NETWORK, Network(3, 200, 2)])
def test_back_propagation_overtakes_where_it_is_said_to(network):
    for name, at in crossings(network, DIGITAL).items():
        now, before = memory_over_steps(network, DIGITAL, at), memory_over_steps(network, DIGITAL, max(at - 1, 1))
        assert now["bptt"] > now[name]
        assert at == 1 or before["bptt"] <= before[name]
    assert crossings(ONE, DIGITAL)["rtrl"] == 101  # 10 * 110 over 11 neurons is 100
