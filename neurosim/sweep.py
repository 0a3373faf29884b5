"""Many experiments that differ in a few options, each run into a folder of its own: a rule on several chips, several rates, over several seeds.

What stands finished in a folder is not run again and what was interrupted goes on, so that the same sweep asked for twice is one sweep.
"""

import contextlib
import csv
import io
import itertools
import json
import multiprocessing
import os
import pathlib
import re
import shutil
import signal
import statistics
import threading
import tomllib
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from typing import Any, NamedTuple

from hw_models.parts import InputError
from neurosim import config, files, plots, runs, transfer
from neurosim.train import run as train_experiment

SEED = "train.seed"
DRAWN = 60  #: settings that a picture has room for
BEGUN = {"rule.py", "metrics.csv", "checkpoint"}  #: what a folder may hold of a run that has not begun


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
    refused: str = ""  #: why it could not be run
    failed: str = ""  #: the error that ended it
    found: bool = False  #: it had been run before


def axis(text: str) -> Axis:
    """``part.field=value,value,...`` as an axis; commas in brackets, braces and quotes separate nothing.

    Raises
    ------
    InputError
        If it is not of that form or names a value twice.
    """
    path, sign, values = text.partition("=")
    if "." not in path or not (sign and values):
        raise InputError(f'--vary takes part.field=value,value,... such as rule.lr=0.001,0.01, got "{text}".')
    return several(f"--vary {path}", path, names(f"--vary {path}", values), lambda value: config.assignment(f"{path}={value}")[2])


def names(typed: str, text: str) -> list[str]:
    """What stands between commas outside brackets, braces and quotes."""
    found = [part.strip() for part in re.findall(r"(?:\[[^\]]*\]|\{[^}]*\}|\"[^\"]*\"|[^,])+|(?<=,)(?=,|$)|^(?=,)", text)]
    if not all(found) or not found:
        raise InputError(f'{typed} takes values with a comma between, got "{text}", in which one is empty.')
    return found


def several(typed: str, path: str, values: Iterable[str], read: Callable[[str], Any] = str) -> Axis:
    """An axis whose values must differ."""
    known = [read(value) for value in values]
    for one, other in itertools.combinations(known, 2):
        if one == other and isinstance(one, bool) == isinstance(other, bool):
            raise InputError(f"{typed} names {other} twice: each value makes a run of its own, so give each once.")
    return Axis(typed, path, tuple(known))


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
        options = dict(zip([one.path for one in axes], values, strict=True))
        folder = pathlib.Path(out) / (re.sub(r"[^\w.=+-]+", "_", words(options)) or "run")
        found.append(Point(options, str(folder)))
    if len({point.folder for point in found}) < len(found):
        raise InputError(
            "Two combinations would share a folder, since their names differ in signs alone that folders' names cannot hold; rename one."
        )
    return found


def words(options: Mapping[str, Any]) -> str:
    """Options in a few words: names as they are, others by field."""
    return " ".join(str(v) if path.endswith(".name") else f"{path.partition('.')[2]}={said(v)}" for path, v in options.items())


def said(value: Any) -> str:
    """A value as it is typed."""
    return str(value).lower() if isinstance(value, bool) else str(value)


# ---------------------------------------------------------------- running them


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
        Where their folders go; ``sweep.csv``, a line a run; and ``sweep.png``, once all have ended.
    workers : int
        Runs side by side, each in a process of its own.
    done : called with each point as it ends

    Raises
    ------
    InputError
        Before anything is run: if a value can be run with no other, if a folder holds a run with other options, or if nothing can be written.
    """
    axes, given, out = list(axes), list(given), pathlib.Path(out)
    todo = points(axes, out)
    typed = {one.path: one.typed for one in axes}
    tables = [config.assemble(file, [*given, *[(typed[path], path, value) for path, value in point.options.items()]]) for point in todo]
    reasons = [refusal(table) for table in tables]
    for path, value in [(one.path, value) for one in axes for value in one.values] or [("", None)]:
        why = [reason for point, reason in zip(todo, reasons, strict=True) if point.options.get(path) == value]
        if all(why):
            raise InputError(why[0])
    for point, table, reason in zip(todo, tables, reasons, strict=True):
        if not reason:
            make_room(pathlib.Path(point.folder), table)
    write_csv(out, todo)
    found = {point.folder: point for point in todo}
    pool = ProcessPoolExecutor(max(1, min(workers, len(todo))), multiprocessing.get_context("spawn"), follow_parent, (os.getpid(),))
    try:
        jobs = [pool.submit(one, point, table) for point, table in zip(todo, tables, strict=True)]
        for job in as_completed(jobs):
            point = job.result()
            found[point.folder] = point
            done(point)
        pool.shutdown()
    except BaseException as error:
        for child in multiprocessing.active_children():  # what stands in their folders is whole
            child.terminate()
        pool.shutdown(cancel_futures=True)
        if isinstance(error, BrokenProcessPool):
            raise InputError("A worker was killed, perhaps for want of memory; the same command goes on, with fewer --workers.") from None
        raise
    finally:
        write_csv(out, found.values())
    files.write(out / "sweep.png", picture(list(found.values())))
    return list(found.values())


def follow_parent(parent: int) -> None:
    """In a worker: leave it to the parent to hear that it should stop, and end with it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch():
        while os.getppid() == parent:
            threading.Event().wait(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def refusal(table: Mapping[str, Any]) -> str:
    """Why a table is no experiment, as far as shows without its data."""
    try:
        config.parts(table)
    except InputError as error:
        return str(error)
    return ""


def make_room(folder: pathlib.Path, table: Mapping[str, Any]) -> None:
    """Refuse a folder that holds something else; clear one in which no epoch of a run was ended.

    Raises
    ------
    InputError
        If it holds a run with other options, or no run.
    """
    if not folder.exists():
        return
    if not (folder / config.EXPERIMENT).is_file():
        if not folder.is_dir() or {path.name for path in folder.iterdir()} - BEGUN:
            raise InputError(f"{folder} is in the way and is no run; give another folder with --out, or remove it.")
        shutil.rmtree(folder)
        return
    lines = (folder / "metrics.csv").read_text().splitlines() if (folder / "metrics.csv").is_file() else []
    try:
        plan = config.plan(table)
    except InputError:
        return  # it is said when its turn comes
    table = tomllib.loads((folder / config.EXPERIMENT).read_text())
    there, here = config.leaves(table), config.leaves(config.to_table(plan.experiment, plan.init))
    if _of_files(there) == _of_files(here):  # else what it names would be imported unasked
        with contextlib.suppress(InputError):  # of options that are none today: they differ
            there = config.leaves(config.whole(table))
    differ = [path for path in {**there, **here} if there.get(path) != here.get(path)]
    if differ and len(lines) < 2:
        shutil.rmtree(folder)
    elif differ:
        was, now = (f"{differ[0]} = {table[differ[0]]}" if differ[0] in table else f"no {differ[0]}" for table in (there, here))
        raise InputError(f"{folder} holds a run with other options ({was}, and now {now}); give another folder with --out, or remove it.")
    elif runs.load(folder).progress.get("data") not in (None, runs.data_digest(plan.dataset)):
        raise InputError(f"{folder} holds a run on data that have changed since; give another folder with --out, or remove it.")


def _of_files(options: Mapping[str, Any]) -> dict[str, Any]:
    """Those options that name a class in a file of one's own, and what the file was."""
    return {path: value for path, value in options.items() if ".py:" in str(value) or path.endswith(".sha256")}


def one(point: Point, table: Mapping[str, Any]) -> Point:
    """Run a point, or go on with it, or read what it gave; what cannot be run says why."""
    folder = pathlib.Path(point.folder)
    try:
        plan = config.plan(table)
        saved = runs.load(folder) if (folder / config.EXPERIMENT).is_file() else None
        found = bool(saved) and (folder / "summary.json").is_file()
        if not found:
            initial, fit = saved.initial if saved else transfer.initial(plan), plan.init.endswith(transfer.GRAPH) or None
            kept = runs.Folder(folder, init=plan.init, initial=initial, saved=saved)
            kept.finish(train_experiment(plan.experiment, plan.dataset, kept.epoch, initial, kept.begin, fit))
        return point._replace(metrics=json.loads((folder / "summary.json").read_text()), found=found)
    except InputError as error:
        return point._replace(refused=str(error))
    except Exception as error:  # a fault in one must not cost the others
        traceback.print_exc()
        return point._replace(failed=f"{type(error).__name__}: {str(error).strip().splitlines()[0] if str(error).strip() else ''}")


def write_csv(out: pathlib.Path, found: Iterable[Point]) -> None:
    """``sweep.csv`` in a folder that is made if need be."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        files.write(out / "sweep.csv", as_csv(found))
    except OSError as error:
        raise InputError(
            f"{out / 'sweep.csv'} cannot be written: {(error.strerror or str(error)).lower()}; give another folder with --out."
        ) from None


# ---------------------------------------------------------------- what came of it


def final(point: Point, part: str) -> float | None:
    """The loss of the state that a run ends with; nothing of one that diverged or was refused."""
    metrics = point.metrics or {}
    losses = metrics.get(f"{part}_loss") or []
    return losses[metrics.get("kept_epoch", len(losses)) - 1] if losses and not metrics["diverged"] else None


def as_csv(found: Iterable[Point]) -> str:
    """A line a run: its options, its losses, what it swallowed, what it would have cost, its folder."""
    found, text = list(found), io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*found[0].options, "validation_loss", "test_loss", "diverged", "swallowed_updates", "energy_J", "folder", "not_run"])
    for point in found:
        m = point.metrics or {}
        energy = ((m.get("cost") or {}).get("energy_J") or {}).get("typical")
        kept = [final(point, "validation"), final(point, "test"), m.get("diverged"), m.get("swallowed_updates"), energy]
        writer.writerow(
            [
                *point.options.values(),
                *["" if v is None else v for v in kept],
                pathlib.Path(point.folder).name,
                point.refused or point.failed,
            ]
        )
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
    refused: str  #: or failed: why some were not run to their end


def summary(found: Iterable[Point]) -> list[Line]:
    """Over seeds: medians and range of the losses that runs end with, and how many diverged."""
    lines = []
    for options, members in over_seeds(found):
        ran = [point for point in members if point.metrics]
        test, validation = (losses(members, part) for part in ("test", "validation"))
        middle = lambda values: known(statistics.median(values)) if values else None  # noqa: E731
        lines.append(
            Line(
                options, middle(validation), middle(test), known(min(test)) if test else None, known(max(test)) if test else None, len(ran),
                sum(bool((p.metrics or {})["diverged"]) for p in ran), next((p.refused or p.failed for p in members if p.refused or p.failed), ""),
            )
        )  # fmt: skip
    return lines


def over_seeds(found: Iterable[Point]) -> list[tuple[dict[str, Any], list[Point]]]:
    """Points that differ in their seed alone, with what they share."""
    groups: dict[str, tuple[dict[str, Any], list[Point]]] = {}
    for point in found:
        options = {path: value for path, value in point.options.items() if path != SEED}
        groups.setdefault(json.dumps(options, default=str), (options, []))[1].append(point)
    return list(groups.values())


def losses(members: Iterable[Point], part: str) -> list[float]:
    """The losses that those end with which were run; infinite if they diverged."""
    return [loss if (loss := final(point, part)) is not None else float("inf") for point in members if point.metrics]


def picture(found: list[Point]) -> bytes:
    """The test losses of all settings over their seeds; of many settings those with the lowest validation losses."""
    shown = groups = over_seeds(found)
    if len(groups) > DRAWN:
        middle = lambda group: statistics.median(losses(group[1], "validation") or [float("inf")])  # noqa: E731
        shown = sorted(groups, key=middle)[:DRAWN]
    seeds = max((len(members) for _, members in groups), default=0)
    few = f": the {DRAWN} of {len(groups)} settings with the lowest validation loss" if len(shown) < len(groups) else ""
    drawn = {words(options) or "run": losses(members, "test") for options, members in shown}
    title = f"{seeds} seeds and their median{few}" if seeds > 1 else f"one seed each{few}"
    drawing = plots.over_seeds(drawn, "test loss", title)
    kept = io.BytesIO()
    drawing.savefig(kept, format="png")
    return kept.getvalue()


def known(value: float) -> float | None:
    return None if value == float("inf") else value
