"""Time of one online training step, ours against careful PyTorch doing the same, on one core, in one run.

    python benchmarks/step_time.py [--hidden 500] [--steps 2000] [--turns 5] [--json FILE]

Both run a clean and a perturbed pass in lock step, broadcast the loss change and update every weight by ANP (`anp`), and learn and apply
a decorrelating matrix in front of the readout as well (`danp`). PyTorch forms both passes in one product, without autograd, in place,
with the O(N**2) form of the decorrelation. It needs the extra "bench".
"""

import argparse
import json
import math
import time

import numpy as np
import torch

import hw_models as hw
from neurosim import rules
from neurosim.network import Network
from neurosim.simulator import Simulator


class Torch:
    """Online ANP with the step normalised by the energy of a neuron's inputs, batch 1."""

    def __init__(self, n, decorrelate):
        self.R, self.A, self.B = torch.randn(n, n) / math.sqrt(n), torch.randn(n, 1), torch.randn(1, n) * math.sqrt(2 / (n + 1))
        self.D, self.x, self.decorrelate, self.n = torch.eye(n), torch.zeros(n, 2), decorrelate, n
        self.h, self.next, self.noise = torch.empty(n, 2), torch.empty(n, 2), torch.empty(n)

    @torch.no_grad()
    def learn(self, inputs, targets, lr=1e-5, readout_lr=1e-4, decorrelation_lr=1e-3, sigma=1e-3):
        for u, target in zip(inputs, targets, strict=True):
            torch.mm(self.R, self.x, out=self.h)
            self.h.add_(self.A * u)
            self.noise.normal_(0.0, sigma)
            self.h[:, 1].add_(self.noise)
            torch.tanh(self.h, out=self.next)
            seen = torch.mm(self.D, self.next) if self.decorrelate else self.next
            y = torch.mm(self.B, seen)
            dy = y[0, 1] - y[0, 0]
            reward = -dy * (dy + 2 * (y[0, 0] - target))
            delta, before, clean = self.h[:, 1] - self.h[:, 0], self.x[:, 0], seen[:, 0]
            energy = before.dot(before) + u * u + 1e-6
            a = delta * (lr * reward * self.n / (delta.dot(delta) + 1e-20) / energy)
            self.R.addr_(a, before)
            self.A.add_((a * u)[:, None])
            self.B.add_(clean * (readout_lr * reward / (dy + 1e-20) / (clean.dot(clean) + 1e-6)))
            if self.decorrelate:
                pull = torch.mv(self.D.t(), clean)
                scale = clean * clean * decorrelation_lr
                self.D.addcmul_(self.D, scale[:, None]).addr_(clean, pull, alpha=-decorrelation_lr)
            self.x, self.next = self.next, self.x


def best(function, turns):
    times = []
    for _ in range(turns):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


def compare(rule, n, steps, turns) -> dict[str, float]:
    rng = np.random.default_rng(0)
    inputs, targets = (0.2 * rng.standard_normal((1, steps, 1)).astype(np.float32) for _ in range(2))
    learning = getattr(rules, rule.upper())(lr=1e-5, readout_lr=1e-4).learning()
    ours, theirs = Simulator(Network(1, n, 1), hw.load("ideal"), 1, learning), Torch(n, rule.startswith("d"))
    ours.prepare()
    flat = torch.from_numpy(inputs[0, :, 0]), torch.from_numpy(targets[0, :, 0])
    theirs.learn(flat[0][:20], flat[1][:20])
    found = {"neurosim_us": math.inf, "torch_us": math.inf}
    for _ in range(turns):  # in turn, so that both meet the same machine
        found["neurosim_us"] = min(
            found["neurosim_us"], best(lambda: ours.learn(inputs, targets, np.ones((1, steps), bool)), 1) / steps * 1e6
        )
        found["torch_us"] = min(found["torch_us"], best(lambda: theirs.learn(*flat), 1) / steps * 1e6)
    return {**found, "ratio": found["torch_us"] / found["neurosim_us"]}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hidden", type=int, default=500)
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--json")
    options = parser.parse_args()
    torch.set_num_threads(1)
    results = {rule: compare(rule, options.hidden, options.steps, options.turns) for rule in ("anp", "danp")}
    for rule, r in results.items():
        print(
            f"{rule:5s} N = {options.hidden}: neurosim {r['neurosim_us']:.1f} us, PyTorch {r['torch_us']:.1f} us, {r['ratio']:.2f} times faster"
        )
    if options.json:
        with open(options.json, "w", encoding="utf-8") as file:
            json.dump({"torch": torch.__version__, "hidden": options.hidden, **results}, file, indent=2)
