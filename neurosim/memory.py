"""How many bits of the simulated device a run occupies: counted from what its parts declare, not from the simulator's arrays."""

from hw_models.parts import bits
from neurosim.rules import Gradient, Learning

WORD = 32  # a number that no part of the chip narrows


def memory_bits(network, chip, rule: Learning | Gradient, batch: int = 1, steps: int = 1) -> dict[str, int]:
    """Bits of the device by purpose.

    Parameters
    ----------
    network : Network
    chip : hw_models.Chip
    rule : Learning or Gradient
    batch : int
        Replicas side by side; they share the weights and nothing else.
    steps : int
        Length of a sequence: what back-propagation through time must remember.

    Returns
    -------
    dict
        ``weights`` (with the matrices of a decorrelating rule), ``state`` (one pass), ``passes`` (what further passes in lock step add),
        ``learning`` (registers, sums and history), ``reward`` (the broadcast number), ``random`` (the generator's key and counter).
    """
    synapses = sum(pre * post for pre, post in network.shapes())
    hidden, every = sum(network.layers), sum(network.layers) + network.outputs
    activation = getattr(chip.dac, "bits", WORD)
    state = (
        sum(bits(network.neuron.State).values()) * hidden + sum(bits(network.readout.State).values()) * network.outputs + activation * every
    )
    counted = {"weights": synapses * chip.cell.stored_bits, "state": state * batch}
    if isinstance(rule, Gradient):
        window = steps if rule.method == "bptt" else min(rule.k, steps)
        moments = 2 * synapses * WORD if rule.optimizer == "adam" else 0
        return {**counted, "passes": 0, "learning": window * every * WORD * batch + synapses * WORD + moments, "reward": 0, "random": 0}
    if rule.decorrelation_lr > 0:
        counted["weights"] += sum(n * n for n in network.layers) * chip.decorrelation.stored_bits
    register, memory = sum(bits(rule.rule.Register).values()), sum(bits(rule.rule.Memory).values())
    waiting = 0 if rule.at_once else synapses * WORD
    return {
        **counted,
        "passes": state * batch * (len(rule.passes) - 1),
        "learning": (register * synapses + (memory + WORD) * every) * batch + waiting,  # a word a neuron for its signal
        "reward": getattr(chip.wire, "bits", WORD) * batch,
        "random": 2 * 64,
    }
