"""The text of a Brian2 script that is the same for every network."""

TURNS = '''

def deliver(pre, post, equations, name, names, weights=None, wires=None, arrives=(), order=0, late=0):
    """Synapses that say for each event of a population what arrives, at which place within a step, and how many steps late."""
    options = {"on_event": {event: event for event in arrives}, "delay": {event: late * DT for event in arrives}}
    synapses = connect(pre, post, equations, name, names, weights, wires, on_pre=arrives, **options)
    for event in arrives:
        pathway = getattr(synapses, event)
        pathway.when, pathway.order = "groups", order
    return synapses


def in_turn(population, order):
    """Integration, thresholds and resets in the turn of a population, not those of all populations at once."""
    population.state_updater.order = order + 1
    for later, parts in ((2, population.thresholder), (4, population.resetter)):
        for part in parts.values():
            part.when, part.order = "groups", order + later
'''

TEMPLATE = '''"""{title}.

    python network.py [numpy|cython|cpp]

{about} The arrays it reads are in arrays.npz beside it; what it records goes into recorded.npz.
"""

import pathlib
import sys

import brian2 as b2
import numpy as np

STEPS, DT = {steps}, {dt!r} * b2.second
RECORDED = {recorded}
SPIKING = {spiking}
SEEN = {seen}  # the place in a step at which is recorded: after the last population's turn
PROJECTIONS = {projections}


def connect(pre, post, equations, name, names, weights=None, wires=None, **options):
    """Synapses from every neuron of one population to every one of another, or where there are wires."""
    synapses = b2.Synapses(pre, post, equations, name=name, namespace=names, **options)
    i, j = np.indices((len(pre), len(post))).reshape(2, -1) if wires is None else wires
    synapses.connect(i=i, j=j)
    if weights is not None:
        synapses.w = weights.ravel()
    return synapses

{turns}
def build(arrays):
    """The network. Within a step Brian2 goes by order, and adds up what a population receives just before its turn."""
    b2.defaultclock.dt = DT
{body}

    populations = ({groups})
    monitors = [b2.StateMonitor(g, RECORDED[g.name], record=True, when="groups", order=SEEN, name=f"record_{{g.name}}") for g in populations]
    monitors += [b2.EventMonitor(g, event, name=f"{{event}}s_{{g.name}}") for g in populations for event in SPIKING.get(g.name, ())]
    return b2.Network(
        {objects},
        monitors,
    )


def simulate(arrays, device="numpy", folder="standalone"):
    """Run the network on a device of Brian2; what was recorded by name, (step, neuron) arrays, or steps and neurons of spikes, and the weights at the end."""
    if device == "cpp":
        b2.set_device("cpp_standalone", directory=folder)
    else:
        b2.prefs.codegen.target = device
    network = build(arrays)
    network.run(STEPS * DT, namespace={{}})
    recorded = {{f"{{name}}.{{v}}": np.array(getattr(network[f"record_{{name}}"], v)).T for name in RECORDED for v in RECORDED[name]}}
    for name, event in [(name, event) for name in SPIKING for event in SPIKING[name]]:
        spikes = network[f"{{event}}s_{{name}}"]
        recorded[f"{{name}}.{{event}}"] = np.stack([np.round(spikes.t / DT).astype(int), np.array(spikes.i)])
    return recorded | {{name: np.array(network[name].w).reshape(arrays[name].shape) for name in PROJECTIONS}}


if __name__ == "__main__":
    here = pathlib.Path(__file__).parent
    with np.load(here / "arrays.npz") as file:
        recorded = simulate(dict(file), *sys.argv[1:2])
    np.savez(here / "recorded.npz", **recorded)
    print(f"Ran {{STEPS}} steps; what was recorded is in {{here / 'recorded.npz'}}.")
'''
