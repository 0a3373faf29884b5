"""The run folder: what a run leaves on disk, whole at every moment, and how it is read, resumed and carried to another chip.

    experiment.toml     everything the run follows from; `neurosim train experiment.toml` repeats it
    metrics.csv         losses, one row an epoch
    summary.json        the run as `neurosim train --json` prints it
    learning_curve.png  losses beside the baselines
    rule.py             the file of a rule of one's own, if the run used one
    checkpoint/         state.npz after the last whole epoch, and after the best if that is to be kept; initial.npz, the weights of --init

Every file is written beside its place and then renamed, so that a killed run leaves the file of the epoch before.
"""

import contextlib
import hashlib
import io
import json
import pathlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

import neurosim
from hw_models import own
from hw_models.chip import KINDS
from hw_models.parts import InputError
from neurosim import config, files
from neurosim.account import Account
from neurosim.experiment import rule_name
from neurosim.tasks import World
from neurosim.train import Epoch, Run, folded, kept_epoch, matrices_of

COUNTERS = ("seconds", "saturation")


class Saved(NamedTuple):
    """A run folder that was read."""

    folder: pathlib.Path
    table: dict[str, Any]  #: of experiment.toml
    progress: dict[str, Any]  #: epochs and counters
    state: dict[str, np.ndarray]  #: of the learner, by name: after the last epoch, or after the best, if that is the one to keep
    last: dict[str, np.ndarray]  #: after the last epoch, in either case
    cells: list[np.ndarray]  #: as one read of the trained arrays shows them
    matrices: list[np.ndarray]  #: of a decorrelating rule, pre-major
    initial: list[np.ndarray] | None  #: what the run was started from, if not from its seed alone

    def __repr__(self) -> str:
        rule, chip, task = (self.table[section]["name"] for section in ("rule", "chip", "task"))
        ended = f"{len(self.progress['epochs'])} epochs" + (f", test loss {self.final.test:.4g}" if self.final else "")
        return f"<Saved run of {rule} on {chip}: {task}, {ended}, in {self.folder}>"

    @property
    def final(self) -> Epoch | None:
        """The losses of the state that is kept; nothing before an epoch has ended."""
        epochs = [Epoch(*losses) for losses in self.progress["epochs"]]
        return epochs[kept_epoch(epochs, self.table["train"].get("keep", "last")) - 1] if epochs else None

    @property
    def summary(self) -> dict[str, Any]:
        """What the run came to, as ``neurosim train --json`` prints it; nothing before it has ended."""
        try:
            return json.loads((self.folder / "summary.json").read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    @property
    def account(self) -> Account:
        """What the run counted until its last whole epoch; an `InputError` if an older version left it, which counted less."""
        try:
            return Account.read(self.progress["account"])
        except KeyError:
            raise _older(self.folder) from None

    @property
    def counted(self) -> Account | None:
        """All that the run counted, also of an epoch in which it diverged; nothing if an older version left it."""
        try:
            return Account.read(self.summary["cost"]["account"])
        except (KeyError, TypeError):  # it has not ended, or could not be billed
            with contextlib.suppress(InputError):
                return self.account
        return None

    def plan(self, file: str | None = None, given: Iterable[tuple[str, str, Any]] = ()) -> config.Plan:
        """The experiment as it began, with its data; what a file or the command line says of it besides must agree.

        A rule or a part of one's own is imported only if `given` names it again and its file is the same as it was.
        """
        given, table = list(given), self.table
        if in_a_file := "sha256" in table["rule"]:
            name = next((value for _, path, value in given if path == "rule.name"), None)
            if name is None:
                raise InputError(
                    f"{self.folder} used a rule of your own, which is not imported unasked; name it: --rule {table['rule']['name']}."
                )
            table = {**table, "rule": {**table["rule"], "name": name}}
        else:  # by the name that it has today
            table = {**table, "rule": {**table["rule"], "name": rule_name(config.rule_from(table["rule"]))}}
        for part in KINDS:
            kind = str(table["chip"].get(part, {}).get("kind", ""))
            if ".py:" in kind and f"chip.{part}.kind" not in {path for _, path, _ in given}:
                raise InputError(
                    f"{self.folder} used a {part} of your own, which is not imported unasked; name it: --set chip.{part}.kind={kind}."
                )
        plan = config.plan(config.assemble(file, given, table))
        before, now = config.leaves(config.whole(table)), config.leaves(config.to_table(plan.experiment, plan.init))
        for path in {**before, **now}:
            was, will = before.get(path, "not given"), now.get(path, "not given")
            if was != will and not (in_a_file and path == "rule.name"):
                raise InputError(
                    f"{path} was {was!r} when {self.folder} began and is {will!r} now; start a new run, with --init to keep its weights."
                )
        return plan

    @property
    def weights(self) -> list[np.ndarray]:
        """Weights that compute what the trained network does, as `Run.weights`."""
        return folded(self.cells, self.matrices, self.table["rule"].get("decorrelate") == "all")


class Folder:
    """The folder of a run while it trains.

    Parameters
    ----------
    path : path
    numbered : bool
        Take the next free of path, path-2, path-3 instead of refusing one that is taken.
    init, initial
        The run folder that gave the initial weights, and those weights.
    saved : Saved, optional
        The same folder as an earlier run left it, to be continued.
    """

    def __init__(self, path, numbered=False, init="", initial=None, saved: Saved | None = None):
        self.path, self.numbered, self.init, self.initial, self.saved = pathlib.Path(path), numbered, init, initial, saved
        if not saved and not numbered and _taken(self.path):
            raise InputError(
                f"{self.path} exists and is not empty; choose another folder with --out, or continue the run in it with --resume."
            )

    def begin(self, run: Run) -> None:
        """Claim the folder and write the untrained state, or put back what an earlier run left."""
        if self.saved:
            _put_back(self.saved, run)
            return
        rule = own.file_of(run.experiment.rule)
        self.path = _claim(self.path, self.numbered)
        if rule:
            files.write(self.path / "rule.py", rule.read_bytes())
        if self.initial is not None:
            files.write(self.path / "checkpoint" / "initial.npz", files.npz({f"weights.{k}": w for k, w in enumerate(self.initial)}))
        self.epoch(run)
        files.write(self.path / config.EXPERIMENT, config.to_toml(run.experiment, self.init))

    def epoch(self, run: Run) -> None:
        """Write the state, and then the losses of all epochs."""
        files.write(self.path / "checkpoint" / "state.npz", checkpoint(run))
        rows = [f"{n},{','.join(repr(float(loss)) for loss in losses)}\n" for n, losses in enumerate(run.epochs, 1)]
        files.write(self.path / "metrics.csv", "epoch,train_loss,validation_loss,test_loss\n" + "".join(rows))

    def finish(self, run: Run, compared: Run | None = None) -> None:
        """Write the summary and the picture; the checkpoint stays that of the last whole epoch."""
        from neurosim.plots import learning_curve

        files.write(self.path / "summary.json", files.as_json(summary(run, compared)))
        picture = io.BytesIO()
        learning_curve(run, compared).savefig(picture, format="png")
        files.write(self.path / "learning_curve.png", picture.getvalue())


def save(run: Run, folder) -> pathlib.Path:
    """Write the folder of a run that has ended; a folder with anything in it is refused.

    Raises
    ------
    InputError
        If the folder is not empty or cannot be written.
    """
    kept = Folder(folder)
    kept.begin(run)
    kept.finish(run)
    return kept.path


def load(folder) -> Saved:
    """Read a run folder; no rule of one's own is imported and no data are read.

    Raises
    ------
    InputError
        If it is no run folder, or a file in it is missing or damaged.
    """
    folder = pathlib.Path(folder)
    if not (folder / config.EXPERIMENT).is_file():
        what = "holds no run (no experiment.toml in it)" if folder.is_dir() else "is no folder"
        raise InputError(f"{folder} {what}; give a folder that neurosim train wrote, such as runs/mackey-glass-danp-ideal-42.")
    table = config.assemble(str(folder / config.EXPERIMENT), base={section: {} for section in config.SHOWCASE})
    if not all("name" in table[section] for section in ("task", "rule", "chip")):
        raise files.damaged(folder / config.EXPERIMENT, "it does not name task, rule and chip")
    arrays = files.arrays(folder / "checkpoint" / "state.npz")
    initial = folder / "checkpoint" / "initial.npz"
    try:
        progress = json.loads(arrays.pop("progress").tobytes())
    except (KeyError, ValueError):
        raise files.damaged(folder / "checkpoint" / "state.npz", "it does not say how far the run came") from None
    group = {name: _group(arrays, name) for name in ("state", "weights", "matrices")}
    start = list(_group(files.arrays(initial), "weights").values()) if initial.exists() else None
    last = _group(arrays, "last") or group["state"]
    return Saved(folder, table, progress, group["state"], last, list(group["weights"].values()), list(group["matrices"].values()), start)


# ---------------------------------------------------------------- what is in the files


def summary(run: Run, compared: Run | None = None) -> dict[str, Any]:
    """The metrics of a run, and those of the same run on another chip."""
    metrics = run.metrics
    if compared is not None:
        metrics["compared"] = compared.metrics
    return metrics


def checkpoint(run: Run) -> bytes:
    """All that a pause must keep, and the weights as plain arrays for whoever has no use for the rest."""
    learner = run.learner
    last = run.last or learner.state()
    if run.best is not None:
        learner.restore(run.best)
    progress = {"version": neurosim.__version__, "data": data_digest(run.dataset), "epochs": [[float(x) for x in e] for e in run.epochs]}
    progress |= {name: getattr(run, name) for name in COUNTERS} | {"account": run.account.table()}
    arrays = {f"state.{name}": array for name, array in learner.state().items()}
    arrays |= {f"weights.{k}": w for k, w in enumerate(learner.weights)}
    arrays |= {f"matrices.{k}": m for k, m in enumerate(matrices_of(learner))}
    if run.best is not None:
        arrays |= {f"last.{name}": array for name, array in last.items()}
        if run.last is None:  # it goes on from there
            learner.restore(last)
    return files.npz({"progress": np.frombuffer(json.dumps(files.jsonable(progress)).encode(), np.uint8), **arrays})


def data_digest(dataset) -> str:
    """What tells whether a run is continued on the data it began with."""
    digest = hashlib.sha256()
    if isinstance(dataset, World):
        digest.update(dataset.name.encode())
        return digest.hexdigest()
    for series in dataset[:3]:
        for array in series[:3]:
            digest.update(array.tobytes())
    return digest.hexdigest()


def _put_back(saved: Saved, run: Run) -> None:
    if not saved.progress.keys() >= set(COUNTERS):
        raise _older(saved.folder)
    counters = {"account": saved.account} | {name: saved.progress[name] for name in COUNTERS}
    if saved.progress["data"] != data_digest(run.dataset):
        raise InputError(f"The data of {saved.folder} have changed since the run began; start a new run.")
    run.best = saved.state if run.experiment.settings.keep == "best" else None
    run.learner.restore(saved.last)
    run.epochs = [Epoch(*losses) for losses in saved.progress["epochs"]]
    for name, value in counters.items():
        setattr(run, name, value)


def _older(folder) -> InputError:
    return InputError(f"{folder} was left by an older version, which counted less; start a new run, with --init to keep its weights.")


def _group(arrays: Mapping[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {key.removeprefix(f"{name}."): array for key, array in arrays.items() if key.startswith(f"{name}.")}


def _taken(path: pathlib.Path) -> bool:
    return path.exists() and not (path.is_dir() and not any(path.iterdir()))


def _claim(path: pathlib.Path, numbered: bool) -> pathlib.Path:
    try:
        if not numbered:
            path.mkdir(parents=True, exist_ok=True)
            return path
        for n in range(1, 10**6):
            folder = path if n == 1 else path.with_name(f"{path.name}-{n}")
            try:
                folder.mkdir(parents=True)
                return folder
            except FileExistsError:
                continue
    except OSError as error:
        raise InputError(f"{path} cannot be made a folder ({error.strerror}); choose another with --out.") from None
    raise InputError(f"{path} and its numbered neighbours are all taken; choose a folder with --out.")
