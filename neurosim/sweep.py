"""Many experiments that differ in a few options, each run into a folder of its own: a rule on several chips, several rates, over several seeds.

What stands finished in a folder is not run again and what was interrupted goes on, so that the same sweep asked for twice is one sweep.
"""

import csv
import io
import itertools
import json
import os
import pathlib
import re
import statistics
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import Any, NamedTuple

from hw_models.parts import InputError
from neurosim import config, files, runs, transfer
from neurosim.train import run as train_experiment

SEED = "train.seed"


class Axis(NamedTuple):
    """An option and the values that it takes in turn."""

    typed: str  #: as the user said it, for messages
    path: str  #: "part.field"
    values: tuple[Any, ...]


class Point(NamedTuple):
    """One run of a sweep and what came of it."""

    options: dict[str, Any]  #: by path, those that differ between runs
    folder: str
    metrics: dict[str, Any] | None = None  #: as in summary.json
    refused: str = ""  #: why these options cannot be run together


def axis(text: str) -> Axis:
    """``part.field=value,value,...`` as an axis.

    Raises
    ------
    InputError
        If it is not of that form or names a value twice.
    """
    path, sign, values = text.partition("=")
    if not (path and sign and values):
        raise InputError(f'--vary takes part.field=value,value,... such as rule.lr=0.001,0.01, got "{text}".')
    return several(f"--vary {path}", path, (config.assignment(f"{path}={value.strip()}")[2] for value in values.split(",")))


def several(typed: str, path: str, values: Iterable[Any]) -> Axis:
    """An axis whose values must differ."""
    values = tuple(values)
    if len(set(map(str, values))) < len(values):
        raise InputError(f"{typed} names a value twice: each makes a run of its own, so give each once.")
    return Axis(typed, path, values)


def points(axes: Iterable[Axis], out) -> list[Point]:
    """Every combination of values, the last axis fastest, with the folder it runs in.

    Raises
    ------
    InputError
        If an option is named twice.
    """
    axes = list(axes)
    for one, other in itertools.combinations(axes, 2):
        if one.path == other.path:
            raise InputError(f"{one.typed} and {other.typed} both vary {one.path}: name all of its values in one of them.")
    found = []
    for values in itertools.product(*[one.values for one in axes]):
        names = [
            str(v) if path.endswith(".name") else f"{path.split('.')[-1]}={v}"
            for path, v in zip([a.path for a in axes], values, strict=True)
        ]
        folder = pathlib.Path(out) / (re.sub(r"[^\w.=+-]+", "_", " ".join(names)) or "run")
        found.append(Point(dict(zip([one.path for one in axes], values, strict=True)), str(folder)))
    if len({point.folder for point in found}) < len(found):
        raise InputError(
            "Two combinations would share a folder, since their names differ in signs alone that folders' names cannot hold; rename one."
        )
    return found


def one(point: Point, table: Mapping[str, Any]) -> Point:
    """Run a point, or go on with it, or read what it gave; what cannot be run says why."""
    folder = pathlib.Path(point.folder)
    try:
        plan = config.plan(table)
        saved = runs.load(folder) if (folder / config.EXPERIMENT).is_file() else None
        if saved and (folder / config.EXPERIMENT).read_text() != config.to_toml(plan.experiment, plan.init):
            raise Elsewhere(f"{folder} holds a run with other options than these; give another folder with --out, or remove it.")
        if not (saved and (folder / "summary.json").is_file()):
            initial, fit = saved.initial if saved else transfer.initial(plan), plan.init.endswith(transfer.GRAPH)
            kept = runs.Folder(folder, init=plan.init, initial=initial, saved=saved)
            kept.finish(train_experiment(plan.experiment, plan.dataset, kept.epoch, initial, kept.begin, fit))
    except KeyboardInterrupt:
        os._exit(1)  # else the pool would begin the next run; what stands in the folder is whole
    except Elsewhere:
        raise
    except InputError as error:
        return point._replace(refused=str(error))
    return point._replace(metrics=json.loads((folder / "summary.json").read_text()))


def refusal(table: Mapping[str, Any]) -> str:
    """Why a table is no experiment, as far as shows without its data."""
    try:
        config.parts(table)
    except InputError as error:
        return str(error)
    return ""


class Elsewhere(InputError):
    """A folder that another sweep has filled."""


def run(file, given, axes: Iterable[Axis], out, workers: int = 1, done: Callable[[Point], None] = lambda point: None) -> list[Point]:
    """Run every combination; returns them in order.

    Parameters
    ----------
    file : path of a TOML file, or of a run folder, optional
    given : (what was typed, "part.field", value)
        What all runs share.
    axes : Axis
        What they differ in.
    out : path
        Where their folders go, and ``sweep.csv``, a line a run.
    workers : int
        Runs side by side, each in a process of its own.
    done : called with each point as it ends

    Raises
    ------
    InputError
        If a value can be run with no other, before anything is run; or if a folder holds a run with other options.
    """
    axes, given = list(axes), list(given)
    todo = points(axes, out)
    typed = {one.path: one.typed for one in axes}
    tables = [config.assemble(file, [*given, *[(typed[path], path, value) for path, value in point.options.items()]]) for point in todo]
    reasons = [refusal(table) for table in tables]
    for path in [one.path for one in axes] or [""]:
        for value in dict.fromkeys(point.options.get(path) for point in todo):
            why = [reason for point, reason in zip(todo, reasons, strict=True) if point.options.get(path) == value]
            if all(why):
                raise InputError(why[0])
    found: dict[str, Point] = {}
    with ProcessPoolExecutor(max(1, min(workers, len(todo))), get_context("spawn")) as pool:
        try:
            jobs = [pool.submit(one, point, table) for point, table in zip(todo, tables, strict=True)]
            for job in as_completed(jobs):
                point = job.result()
                found[point.folder] = point
                done(point)
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    ended = [found[point.folder] for point in todo]
    files.write(pathlib.Path(out) / "sweep.csv", as_csv(ended))
    return ended


# ---------------------------------------------------------------- what came of it


def final(point: Point, part: str) -> float | None:
    """The loss after the last epoch; nothing of a run that diverged or was refused."""
    losses = (point.metrics or {}).get(f"{part}_loss") or []
    return losses[-1] if losses and not (point.metrics or {})["diverged"] else None


def as_csv(found: Iterable[Point]) -> str:
    """A line a run: its options, its losses, what it swallowed, what it would have cost, its folder."""
    found, text = list(found), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*found[0].options, "validation_loss", "test_loss", "diverged", "swallowed_updates", "energy_J", "folder", "refused"])
    for point in found:
        m = point.metrics or {}
        energy = ((m.get("cost") or {}).get("energy_J") or {}).get("typical")
        kept = [final(point, "validation"), final(point, "test"), m.get("diverged"), m.get("swallowed_updates"), energy]
        writer.writerow([*point.options.values(), *["" if v is None else v for v in kept], point.folder, point.refused])
    return text.getvalue()


class Line(NamedTuple):
    """Runs that differ in their seed alone."""

    options: dict[str, Any]
    validation: float | None  #: median over seeds; a run that diverged counts as infinite
    test: float | None
    low: float | None
    high: float | None
    runs: int
    diverged: int
    refused: str


def summary(found: Iterable[Point]) -> list[Line]:
    """Over seeds: medians and range of the losses after the last epoch, and how many diverged."""
    groups: dict[str, list[Point]] = {}
    for point in found:
        options = {path: value for path, value in point.options.items() if path != SEED}
        groups.setdefault(json.dumps(options, default=str), []).append(point)
    lines = []
    for members in groups.values():
        options = {path: value for path, value in members[0].options.items() if path != SEED}
        ran = [point for point in members if not point.refused]
        test, validation = (
            [loss if (loss := final(p, part)) is not None else float("inf") for p in ran] for part in ("test", "validation")
        )
        middle = lambda values: known(statistics.median(values)) if values else None  # noqa: E731
        lines.append(
            Line(
                options, middle(validation), middle(test), known(min(test)) if test else None, known(max(test)) if test else None, len(ran),
                sum(bool((p.metrics or {})["diverged"]) for p in ran), next((p.refused for p in members if p.refused), ""),
            )
        )  # fmt: skip
    return lines


def known(value: float) -> float | None:
    return None if value == float("inf") else value
