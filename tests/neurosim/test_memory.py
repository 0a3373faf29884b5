"""Bits of the device, each number worked out beside the call."""

import pytest

from hw_models.chip import Chip, load
from hw_models.memory import Limited
from hw_models.reward import DigitalWire
from neurosim.memory import memory_bits
from neurosim.network import Network
from neurosim.neurons import Leaky
from neurosim.rules import Perturbation
from neurosim.rules.reference import Gradient

#: 2*4 + 4*4 + 4*3 + 3*3 + 3*1 = 48 synapses, 4 + 3 + 1 = 8 neurons
NETWORK = Network(2, (4, 3), 1)
DIGITAL = load("digital-8bit")
KEY_AND_COUNTER = 128


def used(rule, chip=DIGITAL, network=NETWORK, **options):
    return memory_bits(network, chip, rule.learning() if isinstance(rule, Perturbation) else rule, **options)


def test_activity_perturbation_on_eight_bits():
    assert used(Perturbation("anp")) == {
        "weights": 48 * 8,
        "state": 8 * 8,  # tanh keeps nothing but what it sends, as wide as the DAC
        "passes": 8 * 8,  # the noisy pass
        "learning": 8 * 32,  # a local signal a neuron
        "reward": 32,
        "random": KEY_AND_COUNTER,
    }


def test_a_batch_shares_the_weights_alone():
    one, three = used(Perturbation("anp")), used(Perturbation("anp"), batch=3)
    assert three == {name: n * (1 if name in ("weights", "random") else 3) for name, n in one.items()}


def test_a_trace_takes_a_register_in_every_synapse():
    chip = DIGITAL.replace(memory=Limited(16, 64))
    assert used(Perturbation("np", trace=0.9), chip)["learning"] == 48 * 16 + 8 * 32
    assert used(Perturbation("np", trace=0.9), chip, batch=2)["learning"] == 2 * (48 * 16 + 8 * 32)


def test_a_running_mean_takes_a_word_in_every_neuron():
    assert used(Perturbation("anp", norm="running"))["learning"] == 8 * (16 + 32)


def test_changes_that_wait_take_a_word_in_every_synapse_once():
    assert used(Perturbation("anp", update="sequence"), batch=2)["learning"] == 2 * 8 * 32 + 48 * 32


def test_decorrelation_takes_a_matrix_a_layer():
    assert used(Perturbation("anp", decorrelation_lr=1e-3))["weights"] == 48 * 8 + (4 * 4 + 3 * 3) * 16


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
        (Gradient("tbptt", k=10, optimizer="sgd"), 10 * 8 * 32 + 48 * 32),
        (Gradient("tbptt", k=80, optimizer="sgd"), 50 * 8 * 32 + 48 * 32),  # a window ends with the sequence
    ],
    ids=["adam", "sgd", "window", "long window"],
)
def test_gradients_keep_a_history(rule, learning):
    found = used(rule, Chip(), steps=50)
    assert found == {"weights": 48 * 32, "state": 8 * 32, "passes": 0, "learning": learning, "reward": 0, "random": 0}
    assert used(rule, Chip(), steps=50, batch=2)["learning"] == learning + (learning - 48 * 32 * (3 if rule.optimizer == "adam" else 1))
