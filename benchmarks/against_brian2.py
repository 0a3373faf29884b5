"""A spiking network ours and Brian2's: benchmark 2 (CUBA) of Brette et al., on one core, in one run.

    python benchmarks/against_brian2.py [--neurons 4000,20000] [--seconds 1] [--turns 5] [--json FILE] [--page FILE]
    python benchmarks/against_brian2.py --scaling 4000,16000,64000,256000,1000000 [--seconds 0.1] [--json FILE] [--page FILE]

Neurons with exponential currents, four fifths exciting and one fifth inhibiting, wired with probability 0.02, time step 0.1 ms. Brian2
runs as C++ (its standalone mode, one thread); the time it reports for the run alone counts, neither what it takes to compile and load
nor to draw its wires. Of ours likewise the simulation alone counts. The two run in turn, and the best turn of each counts. Brian2 computes
in float64, ours in float32 and, for comparison, in float64.

Each draws its own wires, so that not spikes but statistics are compared: the mean rate, and the mean coefficient of variation of the
intervals of neurons with at least five spikes, after the first fifth of the time.

With --scaling ours alone runs, with as many wires a neuron whatever the size, and the time per neuron and step is shown. The file keeps
what it has of other sizes, and the page shows all of it.

Vogels, Abbott 2005, doi:10.1523/JNEUROSCI.3508-05.2005; Brette et al. 2007, doi:10.1007/s10827-007-0038-6.
"""

import argparse
import json
import pathlib
import platform
import sys
import tempfile
import time

import numpy as np

from hw_models import Chip
from neurosim import Network, Probe, Simulator
from neurosim.neurons import ExcInhLIF
from neurosim.wiring import Sparse

PAGE = """# A spiking network beside Brian2

Made by `python benchmarks/against_brian2.py --neurons 4000,20000 --json docs/cuba.json --page docs/cuba.md`, and with `--scaling
4000,16000,64000,256000,1000000 --seconds 0.1`: CUBA, neurons with exponential currents that excite and inhibit each other, time step 0.1 ms, on
one core. Brian2 {brian2} runs as C++, and only its run counts: neither compiling nor drawing wires. What exactly is compared stands at the top
of the script. {machine}.

Seconds that {seconds:g} s take, the best of several turns, and statistics after the first fifth of the time (mean rate in Hz and coefficient of
variation of the intervals, with standard errors over neurons; each draws its own wires):

| neurons | neurosim, float32 | neurosim, float64 | Brian2, float64 | Brian2 / neurosim | neurosim: rate, CV | Brian2: rate, CV |
|---|---|---|---|---|---|---|
{rows}

Time does not depend on the size until a network outgrows the caches. Nanoseconds a neuron and step, 80 wires a neuron:

| neurons | ns |
|---|---|
{grown}
"""
STEP_S = 1e-4
EXCITES, INHIBITS = 1.62, -9.0  # mV
#: Brian2 counts the step of the spike into the 5 ms that a neuron rests, so that it is held for 49 steps.
NEURON = ExcInhLIF(20e-3, 5e-3, 10e-3, v_threshold=-50.0, v_reset=-60.0, v_leak=-49.0, scatter=1.0, refractory=4.9e-3)


def ours(n, probability, dtype="float32"):
    """Our network, its weights set by who sends: a simulator without inputs."""
    one = Simulator(Network(0, n, 1, neuron=NEURON, wiring=Sparse(probability)), Chip(step_s=STEP_S), seed=1, dtype=dtype)
    weights = [np.zeros(shape) for shape in ((0, n), len(one.wires[1].post), (n, 1))]
    weights[1][:] = np.where(one.wires[1].pre < 0.8 * n, EXCITES, INHIBITS)
    one.program(weights)
    one.run(np.zeros((1, 0)), record=["spikes"])  # compiles
    return one


def run(one, seconds):
    """Seconds of one run, and its spikes."""
    inputs = np.zeros((round(seconds / STEP_S), 0))
    n = one.network.layers[0]
    start = time.perf_counter()
    spikes = one.run(inputs, record={"spikes": Probe(limit=int(100 * n * seconds) + 1000)})["spikes"]
    return time.perf_counter() - start, spikes


def theirs(n, seconds, probability, folder):
    """Brian2's network as a program of its own: what runs it and gives the seconds of the run, and what gives its spikes."""
    import brian2 as b

    b.set_device("cpp_standalone", build_on_run=False)
    b.prefs.devices.cpp_standalone.openmp_threads = 0
    b.defaultclock.dt = STEP_S * b.second
    b.seed(1)
    equations = """
        dv/dt = (ge + gi - (v + 49*mV)) / (20*ms) : volt (unless refractory)
        dge/dt = -ge / (5*ms) : volt
        dgi/dt = -gi / (10*ms) : volt
    """
    group = b.NeuronGroup(n, equations, threshold="v > -50*mV", reset="v = -60*mV", refractory=5 * b.ms, method="exact")
    group.v = "-60*mV + rand() * 10*mV"
    exciting = b.Synapses(group[: int(0.8 * n)], group, on_pre=f"ge += {EXCITES}*mV")
    inhibiting = b.Synapses(group[int(0.8 * n) :], group, on_pre=f"gi += {INHIBITS}*mV")
    for synapses in (exciting, inhibiting):
        synapses.connect(p=probability)
    monitor = b.SpikeMonitor(group)
    b.Network(group, exciting, inhibiting, monitor).run(seconds * b.second)
    b.device.build(directory=folder, run=False, with_output=False)

    def turn():
        b.device.run(folder, with_output=False, run_args=[])
        return b.device._last_run_time

    return turn, lambda: (np.round(np.asarray(monitor.t) / STEP_S).astype(int), np.asarray(monitor.i))


def statistics(step, neuron, n, seconds):
    """Mean rate in Hz, and mean coefficient of variation of the intervals, with the standard error over neurons of each."""
    late = step >= 0.2 * seconds / STEP_S
    step, neuron = step[late], neuron[late]
    rates = np.bincount(neuron, minlength=n) / (0.8 * seconds)
    order = np.lexsort((step, neuron))
    step, neuron = step[order], neuron[order]
    variations = [d.std() / d.mean() for d in map(np.diff, np.split(step, np.flatnonzero(np.diff(neuron)) + 1)) if len(d) >= 4]
    error = lambda x: float(np.std(x, ddof=1) / len(x) ** 0.5)  # noqa: E731
    return {"rate_Hz": float(rates.mean()), "rate_error": error(rates), "cv": float(np.mean(variations)), "cv_error": error(variations)}


def compare(n, seconds, turns):
    probability = min(1.0, 80 / n)
    single, double = ours(n, probability), ours(n, probability, "float64")
    with tempfile.TemporaryDirectory() as folder:
        turn, spikes_of_theirs = theirs(n, seconds, probability, folder)
        best = {"neurosim_s": np.inf, "neurosim_float64_s": np.inf, "brian2_s": np.inf}
        for _ in range(turns):
            best["brian2_s"] = min(best["brian2_s"], turn())
            spent, spikes = run(single, seconds)
            best["neurosim_s"] = min(best["neurosim_s"], spent)
            best["neurosim_float64_s"] = min(best["neurosim_float64_s"], run(double, seconds)[0])
        found = {
            "neurosim": statistics(spikes.step, spikes.neuron, n, seconds),
            "brian2": statistics(*spikes_of_theirs(), n, seconds),
        }
    return {**best, **found, "ratio": best["brian2_s"] / best["neurosim_s"], "ratio_float64": best["brian2_s"] / best["neurosim_float64_s"]}


def scaling(sizes, seconds, turns):
    found = {}
    for n in sizes:
        one = ours(n, 80 / n)
        spent = min(run(one, seconds)[0] for _ in range(turns))
        found[n] = {"seconds": spent, "ns_per_neuron_and_step": spent / (n * seconds / STEP_S) * 1e9}
        print(f"{n:8d} neurons: {found[n]['ns_per_neuron_and_step']:.2f} ns a neuron and step")
    return found


def told(n, seconds, r) -> str:
    lines = [
        f"{n} neurons, {seconds:g} s: neurosim {r['neurosim_s']:.3f} s (float64 {r['neurosim_float64_s']:.3f} s), Brian2 {r['brian2_s']:.3f} s; "
        f"Brian2 / neurosim {r['ratio']:.2f} (float64 {r['ratio_float64']:.2f})"
    ]
    for name in ("neurosim", "brian2"):
        lines.append(
            f"{name}: {r[name]['rate_Hz']:.2f} +- {r[name]['rate_error']:.2f} Hz, CV {r[name]['cv']:.3f} +- {r[name]['cv_error']:.3f}"
        )
    return "\n".join(lines)


def page(results) -> str:
    """What docs/cuba.md says."""
    rows = []
    for n, r in results.get("compared", {}).items():
        times = " | ".join(f"{r[key]:.3f}" for key in ("neurosim_s", "neurosim_float64_s", "brian2_s", "ratio"))
        said = [
            f"{r[name]['rate_Hz']:.2f} ± {r[name]['rate_error']:.2f}, {r[name]['cv']:.3f} ± {r[name]['cv_error']:.3f}"
            for name in ("neurosim", "brian2")
        ]
        rows.append(f"| {int(n):,} | {times} | {' | '.join(said)} |")
    grown = [f"| {int(n):,} | {r['ns_per_neuron_and_step']:.2f} |" for n, r in results.get("scaling", {}).items()]
    return PAGE.format(rows="\n".join(rows), grown="\n".join(grown), **{"brian2": "(not run here)", "seconds": 1.0, **results})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--neurons", default="4000")
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--scaling")
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    options = parser.parse_args()
    results = json.loads(options.json.read_text()) if options.json and options.json.exists() else {}
    results["machine"] = f"{platform.machine()}, Python {platform.python_version()}, NumPy {np.__version__}"
    sizes = [int(n) for n in (options.scaling or options.neurons).split(",")]
    if options.scaling:
        results["scaling"] = {str(n): found for n, found in scaling(sizes, options.seconds, options.turns).items()}
    else:
        try:
            import brian2
        except ImportError:
            sys.exit("This comparison needs Brian2, which is not installed; pip install neurosim-hw[brian] and run it again.")
        results |= {"brian2": brian2.__version__, "seconds": options.seconds}
        for n in sizes:
            brian2.device.reinit()
            results.setdefault("compared", {})[str(n)] = found = compare(n, options.seconds, options.turns)
            print(told(n, options.seconds, found), flush=True)
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if options.page:
        options.page.write_text(page(results))
