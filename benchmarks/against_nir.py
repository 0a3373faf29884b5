"""Graphs of NIR that other tools wrote, run by those tools, by us, and by each other: how far do outputs part?

    python benchmarks/against_nir.py [--steps 200] [--json FILE] [--page FILE]

Norse, snnTorch and Sinabs each build networks, compute their outputs in float32, and write them with their own exporters through a file. We
read that file on an ideal chip, in float32 and in float64, and so do the tools with their own importers. What is compared is what comes out
of the last layer: spikes, of which the share that differs counts, or potentials, of which the largest difference does, over the largest
potential. The networks of nn.RNN are compared in both float types. Ours is the plain loop: the bits of the compiled one, and nothing to wait for.

Needs: pip install torch nir nirtorch==2.0.5 norse==1.1.0 snntorch==1.0.0 sinabs==2.0.3
"""

import argparse
import json
import pathlib
import platform
import tempfile
import warnings
from importlib.metadata import version

import nir
import numpy as np
import torch

import neurosim as ns

INPUTS, HIDDEN, OUTPUTS = 20, 40, 10
RNN_STEPS = 50
TOOLS = ("norse", "snntorch", "sinabs")
SPIKES, POTENTIALS, RECURRENT = "layers of LIF", "layers of LIF, LI on top", "recurrent CubaLIF, CubaLIF on top"
PAGE = """# Against the tools that write NIR

Made by `python benchmarks/against_nir.py --json docs/against_nir.json --page docs/nir.md`. Each tool builds a network of {inputs} inputs, {hidden}
neurons a layer and {outputs} outputs, computes {steps} steps and writes the network with its own exporter; the file is read by us and by the other
tools. {versions}; {machine}.

A number is how far outputs are from those of the tool that wrote the file: of spikes, the share of neurons and steps that differ; of
potentials (LI on top), the largest difference over the largest potential. The other tools are asked for layers of LIF alone, which is what
all importers know; a dash is a network that a tool was not asked for, or a file that it could not read.

| written by | network | spikes | neurosim, float32 | neurosim, float64 | Norse | snnTorch | Sinabs |
|---|---|---|---|---|---|---|---|
{rows}

Spikes are those of the last layer that sends some. The tools part from each other because NIR leaves the step open: forward Euler or
an exponential, a reset to a value or by subtraction, at once or a step later. [How we take each one's steps](design.md#networks-of-other-tools)
is chosen with `like`.

PyTorch's `nn.RNN`, two layers of {hidden}, {rnn_steps} steps, largest difference of outputs: {rnn}.
"""


def spread(*modules, by):
    """The modules as a list, with the weights of their linear maps multiplied, so that neurons fire."""
    for module in modules:
        for p in module.parameters() if isinstance(module, torch.nn.Linear) else ():
            p.data *= by
    return modules


def norse(kind):
    from norse.torch import LIBoxCell, LIBoxParameters, LIFBoxCell, LIFBoxParameters, SequentialState
    from norse.torch.utils.export_nir import to_nir

    def lif(n):
        return LIFBoxCell(LIFBoxParameters(torch.full((n,), 50.0), torch.zeros(n), torch.ones(n)))

    first = spread(torch.nn.Linear(INPUTS, HIDDEN), lif(HIDDEN), torch.nn.Linear(HIDDEN, HIDDEN), lif(HIDDEN), by=20)
    li = LIBoxCell(LIBoxParameters(torch.full((OUTPUTS,), 100.0), torch.zeros(OUTPUTS)))
    net = SequentialState(*first, *spread(torch.nn.Linear(HIDDEN, OUTPUTS), by=20), li if kind == POTENTIALS else lif(OUTPUTS))

    def forward(x):
        state, found = None, []
        for now in x:
            y, state = net(now[None], state)
            found.append(y[0])
        return torch.stack(found)

    return forward, to_nir(net, torch.rand(INPUTS), dt=1.0), 1e-3  # with any other dt its exporter writes times in other units


def snntorch(kind):
    import snntorch as snn
    from snntorch.export_nir import export_to_nir

    def each(n, value):
        return torch.full((n,), value)

    if kind == SPIKES:
        a, b = (snn.Leaky(each(n, beta), threshold=each(n, 1.0), init_hidden=True) for n, beta in ((HIDDEN, 0.9), (OUTPUTS, 0.8)))
    else:
        a = snn.RSynaptic(0.8, 0.9, linear_features=HIDDEN, init_hidden=True)
        b = snn.Synaptic(each(OUTPUTS, 0.7), each(OUTPUTS, 0.8), threshold=each(OUTPUTS, 1.0), init_hidden=True)
    net = torch.nn.Sequential(*spread(torch.nn.Linear(INPUTS, HIDDEN), a, torch.nn.Linear(HIDDEN, OUTPUTS), b, by=2))
    graph = export_to_nir(net, torch.rand(INPUTS))

    def forward(x):
        for cell in (a, b):
            cell.mem = torch.zeros(0)
            for name in ("spk", "syn"):
                if hasattr(cell, name):
                    setattr(cell, name, torch.zeros(0))
        return torch.stack([net(now) for now in x])

    return forward, graph, 1e-4


def sinabs(kind):
    import sinabs.layers as sl
    import sinabs.nir
    from sinabs.activation import SingleSpike

    def lif(n):
        return sl.LIF(torch.full((n,), 20.0), spike_threshold=torch.ones(n), spike_fn=SingleSpike)

    first = spread(torch.nn.Linear(INPUTS, HIDDEN), lif(HIDDEN), torch.nn.Linear(HIDDEN, HIDDEN), lif(HIDDEN), by=20)
    last = sl.ExpLeak(torch.full((OUTPUTS,), 10.0)) if kind == POTENTIALS else lif(OUTPUTS)
    net = torch.nn.Sequential(*first, *spread(torch.nn.Linear(HIDDEN, OUTPUTS), by=20), last)
    graph = sinabs.nir.to_nir(net, torch.rand(1, 2, INPUTS))

    def forward(x):
        for layer in net:
            if hasattr(layer, "reset_states"):
                layer.reset_states()
        return net(x[None])[0]

    return forward, graph, 1e-3


CASES = [(norse, SPIKES), (norse, POTENTIALS), (snntorch, SPIKES), (snntorch, RECURRENT), (sinabs, SPIKES), (sinabs, POTENTIALS)]


def read_by(tool, path, x):
    """What another tool makes of the file with its own importer; nothing if it cannot read or run it."""
    try:
        graph = nir.read(path, type_check=False)
        if tool == "norse":
            from norse.torch.utils.import_nir import from_nir

            net, state, found = from_nir(graph, dt=1e-3), None, []
            for now in x:
                y, state = net(now[None], state)
                found.append(y[0])
            return torch.stack(found)
        if tool == "snntorch":
            from snntorch.import_nir import import_from_nir

            net, state, found = import_from_nir(graph), None, []
            for now in x:
                y, state = net(now, state)
                found.append(y)
            return torch.stack(found)
        import sinabs.nir

        net = sinabs.nir.from_nir(graph, batch_size=1)
        return net(x)[0] if isinstance(net(x), tuple) else net(x)
    except Exception:  # whatever it is that another tool does with a file that it cannot read
        return None


def apart(y, other):
    """How far other outputs are from those of the tool; none if they have another shape."""
    if other is None or other.shape != y.shape:
        return None
    spikes = np.isin(y, (0, 1)).all()
    return float((y != other).mean()) if spikes else float(np.abs(y - other).max() / np.abs(y).max())


def compare(build, kind, steps):
    """One network in all tools."""
    torch.manual_seed(1)
    tool, (forward, graph, dt) = build.__name__, build(kind)
    x = (torch.rand(steps, INPUTS) < 0.3).float()
    with torch.no_grad(), tempfile.TemporaryDirectory() as folder:
        y, path = forward(x).numpy(), f"{folder}/net.nir"
        nir.write(path, graph)
        one = ns.nir.read(path, dt, tool)
        found = {f"neurosim {dtype}": apart(y, one.on(dtype=dtype, plain=True).run(x.numpy())["y"]) for dtype in ("float32", "float64")}
        for other in TOOLS:
            theirs = read_by(other, path, x) if kind == SPIKES else None
            found[other] = apart(y, None if theirs is None else theirs.detach().numpy())
        sent = int(y.sum()) if kind != POTENTIALS else int(one.on(plain=True).run(x.numpy(), ["x"])["x"][:, -HIDDEN:].sum())
    return {"tool": tool, "network": kind, "layers": list(one.network.layers), "spikes": sent, **found}


def rnn():
    """Largest difference of nn.RNN and ours, by nonlinearity and float type."""
    found = {}
    for nonlinearity in ("tanh", "relu"):
        for dtype in ("float32", "float64"):
            torch.manual_seed(2)
            net, top = (
                m.to(getattr(torch, dtype)) for m in (torch.nn.RNN(INPUTS, HIDDEN, 2, nonlinearity), torch.nn.Linear(HIDDEN, OUTPUTS))
            )
            x = torch.randn(RNN_STEPS, INPUTS, dtype=getattr(torch, dtype))
            with torch.no_grad():
                y = top(net(x)[0]).numpy()
            found[f"{nonlinearity}, {dtype}"] = float(
                np.abs(ns.torch.read(net, top).on(dtype=dtype, plain=True).run(x.numpy())["y"] - y).max()
            )
    return found


def said(share):
    return "-" if share is None else "0" if share == 0 else f"{share:.2g}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--json", type=pathlib.Path)
    parser.add_argument("--page", type=pathlib.Path)
    given = parser.parse_args()
    warnings.simplefilter("ignore")
    found = {
        "versions": {name: version(name) for name in (*TOOLS, "nir", "torch")}, "machine": f"{platform.machine()}, Python {platform.python_version()}",
        "steps": given.steps, "cases": [compare(build, kind, given.steps) for build, kind in CASES], "rnn": rnn(),
    }  # fmt: skip
    columns = ("neurosim float32", "neurosim float64", *TOOLS)
    rows = "\n".join(
        f"| {case['tool']} | {case['network']} | {case['spikes']} | {' | '.join(said(case[name]) for name in columns)} |"
        for case in found["cases"]
    )
    page = PAGE.format(
        inputs=INPUTS, hidden=HIDDEN, outputs=OUTPUTS, steps=given.steps, rnn_steps=RNN_STEPS, rows=rows, machine=found["machine"],
        versions=", ".join(f"{name} {number}" for name, number in found["versions"].items()),
        rnn=", ".join(f"{name} {off:.1g}" for name, off in found["rnn"].items()),
    )  # fmt: skip
    print(page)
    if given.page:
        given.page.write_text(page, encoding="utf-8")
    if given.json:
        given.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
