"""What is recorded: samples of chosen neurons, and spikes as events."""

import numpy as np
import pytest

from hw_models.parts import InputError
from neurosim.network import Network
from neurosim.neurons import LIF, Leaky
from neurosim.probes import Probe
from neurosim.rules import Perturbation
from neurosim.simulator import Simulator

SPIKING = Network(2, (12, 8), 2, neuron=LIF(), gain=3.0)


def on(network=SPIKING, learning=None):
    return Simulator(network, seed=7, learning=learning, dtype="float64", plain=True)


def inputs(steps=40, replicas=2):
    return 1 + np.random.default_rng(3).standard_normal((replicas, steps, 2))


def test_chosen_neurons_are_sampled_at_their_interval():
    record = {"v": Probe([13, 0, 19], 7), "x": Probe(every=3), "h": Probe(), "y": Probe([1])}
    one, u = on(), inputs()
    every, some = one.run(u, record=("v", "x", "h", "y")), one.run(u, record=record)
    assert {name: a.shape for name, a in some.items()} == {"v": (2, 6, 3), "x": (2, 14, 20), "h": (2, 40, 20), "y": (2, 40, 1)}
    np.testing.assert_array_equal(some["v"], every["v"][:, ::7, [13, 0, 19]])
    np.testing.assert_array_equal(some["x"], every["x"][:, ::3])
    np.testing.assert_array_equal(some["h"], every["h"])
    np.testing.assert_array_equal(some["y"][..., 0], every["y"][..., 1])
    assert one.run(u[0], record=record)["v"].shape == (6, 3)


def test_spikes_as_events_are_those_of_the_outputs():
    one, u = on(), inputs()
    found = one.run(u, record=("x", "spikes"))
    t, sequence, i = np.nonzero(np.swapaxes(found["x"], 0, 1))
    assert len(t) > 50 and i.max() >= 12
    spikes = found["spikes"]
    order = np.lexsort((spikes.neuron, spikes.sequence, spikes.step))
    for name, expected in (("sequence", sequence), ("step", t), ("neuron", i)):
        np.testing.assert_array_equal(getattr(spikes, name)[order], expected)
    assert (np.diff(spikes.step) >= 0).all()
    busy = np.bincount(i).argsort()[-2:]
    some = one.run(u, record={"spikes": Probe(busy)})["spikes"]
    assert set(some.neuron) == set(busy) and len(some.step) == np.isin(i, busy).sum()


def test_more_spikes_than_there_is_room_for_are_refused_with_their_number():
    one, u = on(), inputs()
    n = len(one.run(u, record=["spikes"])["spikes"].step)
    assert len(one.run(u, record={"spikes": Probe(limit=n)})["spikes"].step) == n
    with pytest.raises(InputError, match=rf"There were {n} spikes and room for {n - 1}: .*Probe\(limit={n}\)"):
        one.run(u, record={"spikes": Probe(limit=n - 1)})


def test_learning_can_be_watched():
    one, u = on(learning=Perturbation("anp").learning()), inputs()
    data = u, np.zeros((2, 40, 2)), np.ones((2, 40), bool)
    records = one.learn(*data, record={"v": Probe([0], 10), "spikes": Probe()}).records
    assert records["v"].shape == (2, 4, 1) and len(records["spikes"].step) > 50
    assert one.learn(*data).records == {}


@pytest.mark.parametrize(
    ("network", "record", "message"),
    [
        (SPIKING, ("w",), r'cannot record "w"; .*Known: x, h, y, v, i, refractory, spikes\.'),
        (Network(2, 3, 2, neuron=Leaky()), ("spikes",), r'cannot record "spikes"; .*Known: x, h, y, v\.'),
        (SPIKING, {"v": Probe([20])}, r'Probe\.neurons of "v" must be whole numbers from 0 to 19'),
        (SPIKING, {"y": Probe([2])}, r'Probe\.neurons of "y" must be whole numbers from 0 to 1'),
        (SPIKING, {"v": Probe([0.5])}, r"must be whole numbers"),
        (SPIKING, {"v": Probe(every=0)}, r"Probe\.every must be a whole number at least 1 \(steps\), got 0"),
    ],
)
def test_what_cannot_be_recorded(network, record, message):
    with pytest.raises(InputError, match=message):
        on(network).run(inputs(), record=record)
