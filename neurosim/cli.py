"""The command line. What a command needs is imported inside it, so that ``neurosim --help`` is quick."""

import pathlib
import sys
from typing import Annotated

import typer
from typer.core import TyperGroup

from neurosim import screen


class Commands(TyperGroup):
    """Says what is wrong with the input in one sentence, with exit code 2; a bug keeps its traceback and exit code 1."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except ValueError as error:
            from hw_models.parts import InputError

            if not isinstance(error, InputError):
                raise
            typer.echo(f"neurosim: {' '.join(str(error).split())}", err=True)
            raise typer.Exit(2) from None


def _version(asked: bool) -> None:
    if asked:
        from neurosim import __version__

        typer.echo(f"neurosim {__version__}")
        raise typer.Exit()


app = typer.Typer(
    cls=Commands, add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="Simulate learning on neuromorphic hardware. Start with: neurosim train",
)  # fmt: skip

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Rule = Annotated[
    str | None,
    typer.Option(
        help="wp np anp nrl oua dwp dnp danp (np anp dnp danp)-over-time bptt tbptt eprop rflo, or path/to/file.py:Class for your own."
    ),
]
Experiment = Annotated[str, typer.Argument(metavar="RUN_DIR|FILE.toml", help="A folder that neurosim train wrote, or an experiment.")]


@app.callback()
def common(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version and stop.")] = False,
) -> None:
    pass


def main() -> None:
    """The entry point ``neurosim``."""
    app()


@app.command()
def train(
    file: Annotated[
        str | None, typer.Argument(metavar="[FILE.toml|RUN_DIR]", help="Sections [task] [network] [rule] [chip] [train].")
    ] = None,
    task: Annotated[str | None, typer.Option(help="See neurosim list tasks.")] = None,
    rule: Rule = None,
    chip: Annotated[str | None, typer.Option(help="See neurosim list chips; or a chip of your own as my_chip.toml.")] = None,
    hidden: Annotated[str | None, typer.Option(metavar="N[,N...]", help="Neurons of the hidden layer, or of several.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sequences side by side.")] = None,
    seed: Annotated[int | None, typer.Option(help="Everything random follows from it.")] = None,
    dtype: Annotated[str | None, typer.Option(help="float32 or float64.")] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PART.FIELD=VALUE", help="Any option, such as rule.lr=0.01; neurosim show names them."),
    ] = None,
    init: Annotated[
        str | None,
        typer.Option(
            metavar="RUN_DIR|[TOOL:]FILE.nir", help="Start from the weights of a run, or from a network of norse, sinabs, snntorch."
        ),
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Run folder; runs/TASK-RULE-CHIP-SEED if not given.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run in --out from its last whole epoch.")] = False,
    compare: Annotated[str | None, typer.Option(metavar="CHIP", help="Run the same on another chip too.")] = None,
    json: Json = False,
) -> None:
    """Train a network on a task with a learning rule on a chip; with no options, the showcase."""
    from hw_models.parts import InputError
    from neurosim import config, files, runs, transfer
    from neurosim.experiment import make_learner

    # every flag is short for one part.field
    flags = {
        "task": ("task.name", task), "rule": ("rule.name", rule), "chip": ("chip.name", chip), "hidden": ("network.hidden", _sizes(hidden)),
        "init": ("network.init", init), "epochs": ("train.epochs", epochs), "batch": ("train.batch", batch), "seed": ("train.seed", seed),
        "dtype": ("train.dtype", dtype),
    }  # fmt: skip
    given = [(f"--{flag}", path, value) for flag, (path, value) in flags.items() if value is not None]
    given += [config.assignment(text) for text in set_ or []]
    if resume and out is None:
        raise InputError("--resume continues the run in --out; say which, as in neurosim train --resume --out runs/mine.")
    if compare is None and not (file or given or resume or json) and sys.stderr.isatty():
        compare = "ideal"

    saved, base = runs.load(out) if resume else None, None if file or given else config.NOTHING_SAID
    if init and init.endswith(transfer.GRAPH) and not saved:
        from neurosim import nir

        base, step = nir.base(init, next((value for _, path, value in given if path == "chip.step_s"), None))
        given.append(("--init", "chip.step_s", step))
    plan = saved.plan(file, given) if saved else config.plan(config.assemble(file, given, base))
    other = config.chip_from({"name": compare}) if compare else None
    initial, fit = saved.initial if saved else transfer.initial(plan), plan.init.endswith(transfer.GRAPH) or None
    folder = runs.Folder(out or _default_folder(plan.experiment), numbered=out is None, init=plan.init, initial=initial, saved=saved)

    there = None
    if other:
        there = plan.experiment._replace(
            chip=transfer.in_step(other, plan.experiment), settings=plan.experiment.settings._replace(baselines=False)
        )
        make_learner(there, plan.dataset)  # refused now rather than after the first run

    try:
        run = screen.trained(plan.experiment, plan.dataset, initial, f"Training on {plan.experiment.chip.name}", folder, fit)
    except KeyboardInterrupt:
        if (folder.path / config.EXPERIMENT).is_file():
            typer.echo(f"Stopped; continue with neurosim train --resume --out {folder.path}", err=True)
        raise typer.Exit(1) from None
    folder.finish(run)
    compared = None
    if there:
        compared = screen.trained(there, plan.dataset, initial, f"The same on {there.chip.name}", fit=fit)
        folder.finish(run, compared)
    if json:
        typer.echo(files.as_json({**runs.summary(run, compared), "out": str(folder.path)}), nl=False)
    else:
        screen.print_losses(run, compared)
        screen.print_cost(run, folder.path)
        typer.echo(f"Everything about this run is in {folder.path}")
    for sentence in run.warnings:
        typer.echo(f"neurosim: {sentence}", err=True)
    if run.diverged:
        typer.echo(f"neurosim: {run.message}", err=True)
        raise typer.Exit(1)


@app.command()
def sweep(
    file: Annotated[str | None, typer.Argument(metavar="[FILE.toml|RUN_DIR]", help="What all runs share, as for train.")] = None,
    task: Annotated[str | None, typer.Option(help="See neurosim list tasks.")] = None,
    rule: Annotated[str | None, typer.Option(metavar="RULE[,RULE...]", help="One rule or several.")] = None,
    chip: Annotated[str | None, typer.Option(metavar="CHIP[,CHIP...]", help="One chip or several.")] = None,
    seed: Annotated[str | None, typer.Option(metavar="N[,N...]", help="Losses are summed up over seeds.")] = None,
    vary: Annotated[
        list[str] | None,
        typer.Option("--vary", metavar="PART.FIELD=VALUE[,VALUE...]", help="Any option, each of its values in turn; may be said again."),
    ] = None,
    hidden: Annotated[str | None, typer.Option(metavar="N[,N...]", help="Neurons of the hidden layer, or of several.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PART.FIELD=VALUE", help="An option of all runs.")] = None,
    workers: Annotated[int, typer.Option(min=1, help="Runs side by side.")] = 1,
    out: Annotated[str, typer.Option(metavar="DIR", help="A folder a run, sweep.csv and sweep.png.")] = "sweep",
    json: Json = False,
) -> None:
    """Train every combination of rules, chips, seeds and whatever varies; run again, it goes on where it was stopped."""
    from neurosim import config, files, sweep

    flags = {"task.name": task, "network.hidden": _sizes(hidden), "train.epochs": epochs}
    given = [(f"--{path.partition('.')[2]}", path, value) for path, value in flags.items() if value is not None]
    given += [config.assignment(text) for text in set_ or []]
    if not any("train.baselines" in text for text in [*(set_ or []), *(vary or [])]):
        given.append(("sweep", "train.baselines", False))  # they would take as long as the runs
    named = {"--rule": ("rule.name", rule), "--chip": ("chip.name", chip)}
    axes = [sweep.several(flag, path, sweep.names(flag, text)) for flag, (path, text) in named.items() if text is not None]
    axes += [sweep.axis(text) for text in vary or []]
    if seed is not None:
        axes.append(sweep.several("--seed", sweep.SEED, sweep.names("--seed", seed), lambda n: config.assignment(f"{sweep.SEED}={n}")[2]))
    count, ended = len(sweep.points(axes, out)), 0
    typer.echo(f"{count} run{'s' * (count != 1)} into {out}", err=True)

    def done(point):
        nonlocal ended
        ended += 1
        loss = sweep.final(point, "test")
        told = point.refused or point.failed or (f"test loss {loss:.4g}" if loss is not None else "diverged")
        typer.echo(f"{ended}/{count}  {pathlib.Path(point.folder).name}: {told}{' (had been run)' if point.found else ''}", err=True)

    try:
        found = sweep.run(file, given, axes, out, workers, done)
    except KeyboardInterrupt:
        typer.echo("Stopped; the same command goes on from here.", err=True)
        raise typer.Exit(1) from None
    lines = sweep.summary(found)
    if json:
        losses = [{f"{part}_loss": sweep.final(point, part) for part in ("validation", "test")} for point in found]
        kept = [{k: v for k, v in point._asdict().items() if k != "metrics"} | loss for point, loss in zip(found, losses, strict=True)]
        typer.echo(files.as_json({"medians": [line._asdict() for line in lines], "runs": kept, "out": out}), nl=False)
    else:
        number = lambda x, runs: "-" if not runs else "diverged" if x is None else f"{x:.4g}"  # noqa: E731
        paths = list(lines[0].options)
        rows = [
            [
                *(sweep.said(line.options[path]) for path in paths), number(line.validation, line.runs), number(line.test, line.runs),
                f"{number(line.low, line.runs)} to {number(line.high, line.runs)}" if line.runs > 1 else "", line.runs, line.diverged, line.refused,
            ]
            for line in lines
        ]  # fmt: skip
        screen.print_table([*paths, "validation", "test loss", "range", "runs", "diverged", ""], rows)
        typer.echo(
            f"Medians over seeds; choose by the validation loss. Each run is in {out}, a line each in {out}/sweep.csv, "
            f"all of them in the picture {out}/sweep.png"
        )
    if not any(line.runs for line in lines):
        raise typer.Exit(2)
    if any(point.failed for point in found) or all(line.diverged == line.runs for line in lines):
        raise typer.Exit(1)


@app.command()
def evaluate(
    run_dir: Annotated[str, typer.Argument(metavar="RUN_DIR", help="A folder that neurosim train wrote.")],
    chip: Annotated[str | None, typer.Option(help="Program the trained weights into this chip.")] = None,
    repeat: Annotated[int | None, typer.Option(min=1, help="Drawings of devices and noise.")] = None,
    at: Annotated[str | None, typer.Option(metavar="TIMES", help="How it does later too, such as 1h,1d,30d.")] = None,
    rule: Rule = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="chip.cell.kind=FILE.py:Class", help="Allow a cell of your own to be imported again."),
    ] = None,
    json: Json = False,
) -> None:
    """Test a trained network: on its own devices, or with --chip or --repeat programmed into others, now and later."""
    from neurosim import config, files, runs, transfer

    later = transfer.times(at) if at else []
    saved = runs.load(run_dir)
    plan = saved.plan(given=_given(rule, set_))
    there = config.chip_from({"name": chip}) if chip else plan.experiment.chip
    own_devices = chip is None and repeat is None
    if own_devices:
        learners = iter([transfer.restored(saved, plan)])
    else:
        first = plan.experiment.settings.seed
        learners = (transfer.programmed(saved, plan, there, first + n) for n in range(repeat or 1))
    result = transfer.over_time(learners, plan.dataset, later)
    result |= {"run": str(run_dir), "chip": there.name, "programmed": not own_devices, "loss_unit": plan.dataset.unit}
    result["final_test_loss"] = saved.final.test if saved.final else None
    if json:
        typer.echo(files.as_json(result), nl=False)
        return
    count, unit = len(result["test_loss"]), plan.dataset.unit
    spread = f" ± {result['std']:.3g} (standard deviation of {count} drawings)" if count > 1 else ""
    how = "on its own devices of" if own_devices else "programmed into"
    typer.echo(f"Test loss {result['mean']:.4g}{spread}, {how} {there.name}, in {unit}.")
    if saved.summary.get("message"):
        typer.echo(saved.summary["message"])
    if baselines := saved.summary.get("baselines"):
        beside = {name: losses["test"] for name, losses in baselines.items()}
        found = ", ".join(f"{name} {'diverged' if loss is None else f'{loss:.4g}'}" for name, loss in beside.items())
        typer.echo(f"Beside it, as the run found them: {found}.")
    if later:
        said = lambda r: f"{r['mean']:.4g}" + (f" ± {r['std']:.2g}" if count > 1 else "")  # noqa: E731
        rows = [(r["after"], said(r), said(r["compensated"])) for r in result["at"]]
        screen.print_table(["after", "test loss", "with global drift compensation"], rows)


@app.command()
def fit(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE.csv", help="Columns pulse, direction (up, down), conductance (S); perhaps device, cycle."),
    ],
    cell: Annotated[str | None, typer.Option(help="A step model such as soft-bounds; all are tried if none is given.")] = None,
    table: Annotated[bool, typer.Option("--table", help="The file is a table of states: columns state, mean, std.")] = False,
    name: Annotated[str | None, typer.Option(help="The chip's name; the file's if not given.")] = None,
    full_scale: Annotated[
        str | None, typer.Option(metavar="LOW,HIGH", help="Conductances (S) of -1 and +1; the smallest and largest measured if not given.")
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="A new folder; fits/NAME if not given.")] = None,
    json: Json = False,
) -> None:
    """Fit a cell to measured pulses, and write it as a chip with its confidence and a picture."""
    import io

    import tomli_w

    from hw_models import fit as fits
    from hw_models.parts import InputError
    from neurosim import files, plots

    name = name or pathlib.Path(file).stem
    if not name.replace("-", "").replace("_", "").isalnum():
        raise InputError(f'--name "{name}" does not name a chip; give letters, digits, - and _, as in --name my-cell.')
    folder = pathlib.Path(out or pathlib.Path("fits") / name)
    if folder.exists():
        raise InputError(f"{folder} exists; give another folder with --out.")
    if table and (cell or full_scale):
        raise InputError("--table makes a cell as it is; leave out --cell and --full-scale.")
    found = fits.tabulate(file) if table else fits.fit(file, cell, _scale(full_scale))
    picture = io.BytesIO()
    (plots.tabulated_states if table else plots.fitted_pulses)(found).savefig(picture, format="png")
    report = files.as_json({"name": name, **found.to_report()})
    toml = tomli_w.dumps(found.to_table())
    files.write_folder(folder, {f"{name}.toml": toml, f"{name}.png": picture.getvalue(), "fit.json": report})
    if json:
        typer.echo(report, nl=False)
        return
    if len(found.aicc) > 1:
        screen.print_table(["step model", "AICc, lower is better"], [(kind, f"{value:.1f}") for kind, value in found.aicc.items()])
    said = lambda x: "-" if x is None else f"{x:.4g}"  # noqa: E731
    if found.estimates:
        screen.print_table(
            [found.kind, "value", "standard error", "95 % from", "to"], [(k, *map(said, e)) for k, e in found.estimates.items()]
        )
        typer.echo(f"Noise of one read, the instrument's included: {found.read_noise:.3g} of full scale; it is not in the chip.")
    for note in found.notes:
        typer.echo(note)
    typer.echo(f"The chip is {folder / name}.toml: neurosim train --chip {folder / name}.toml")


@app.command()
def cost(
    file: Annotated[
        str | None,
        typer.Argument(metavar="[FILE.toml|RUN_DIR]", help="An experiment, as for train; a run is billed by what it counted."),
    ] = None,
    task: Annotated[str | None, typer.Option(help="See neurosim list tasks.")] = None,
    rule: Annotated[str | None, typer.Option(metavar="RULE[,RULE...]", help="One rule or several.")] = None,
    chip: Annotated[str | None, typer.Option(metavar="CHIP[,CHIP...]", help="One chip or several.")] = None,
    hidden: Annotated[str | None, typer.Option(metavar="N[,N...]", help="Neurons of the hidden layer, or of several.")] = None,
    epochs: Annotated[int | None, typer.Option(help="Passes over the training data.")] = None,
    batch: Annotated[int | None, typer.Option(help="Sequences side by side.")] = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PART.FIELD=VALUE", help="Any option of train.")] = None,
    prices: Annotated[str | None, typer.Option(help="A price list by name, or one of your own as my_prices.toml.")] = None,
    moves: Annotated[
        float, typer.Option(min=0.0, help="Writes or pulses a cell gets each time it is asked for a change; a run measures it.")
    ] = 1.0,
    rate: Annotated[float, typer.Option(min=0.0, max=1.0, help="Spikes a spiking neuron sends in a step; a run measures it.")] = 1.0,
    scale: Annotated[float, typer.Option(help="Factor on all prices, such as your guess for another technology.")] = 1.0,
    out: Annotated[str | None, typer.Option(metavar="DIR", help="Write cost.json and pictures into this folder.")] = None,
    json: Json = False,
) -> None:
    """Estimate what a training costs, without running it: energy, time, memory, cores, wear; side by side for several rules and chips.

    Of a run, and if nothing of it is changed but prices, it is the bill of what the run counted.
    """
    import io
    import itertools

    from hw_models.parts import InputError
    from hw_models.prices import load
    from neurosim import config, files, runs
    from neurosim.cost import epoch_of, estimate, report
    from neurosim.experiment import as_learning
    from neurosim.rules import Gradient
    from neurosim.tasks import World
    from neurosim.train import billed

    flags = {"task.name": task, "network.hidden": _sizes(hidden), "train.epochs": epochs, "train.batch": batch}
    given = [(f"--{path.partition('.')[2]}", path, value) for path, value in flags.items() if value is not None]
    given += [config.assignment(text) for text in set_ or []]
    priced = lambda there: load(prices, getattr(there.adc, "bits", 8)) if prices else None  # noqa: E731
    estimates, saved = [], runs.load(file) if file is not None and pathlib.Path(file).is_dir() else None
    own = all(".py:" in str(value) for _, _, value in given) and (rule is None or ".py:" in rule)  # which only name what is the run's own
    if saved and own and chip is None and (moves, rate) == (1.0, 1.0) and saved.counted:
        plan, ended = saved.plan(given=_given(rule, set_)), len(saved.progress["epochs"])
        e = plan.experiment
        estimates.append(billed(e, plan.dataset, saved.counted, ended, priced(e.chip), scale))
        title = f"Training {e.task.name} for {ended} epoch{'s' * (ended != 1)}, by what {file} counted:"
    else:
        rules, chips = _each("--rule", "rule.name", rule), _each("--chip", "chip.name", chip)
        tables = [config.assemble(file, [*given, *one, *there]) for one, there in itertools.product(rules, chips)]
        first = config.plan(tables[0])
        e = first.experiment
        if isinstance(first.dataset, World):
            raise InputError(
                f"How long the episodes of {e.task.name} are shows only when it is run; give the folder of a run, or choose a task with data."
            )
        work, n = epoch_of(first.dataset.train, e.settings.batch, moves)._replace(rate=rate, seed=e.settings.seed), e.settings.epochs
        for table in tables:
            learning, there = config.rule_from(table["rule"]), config.chip_from(table["chip"])
            learning = learning if isinstance(learning, Gradient) else as_learning(learning)
            estimates.append(estimate(e.network, there, learning, work, n, priced(there), scale))
        title = f"Training {e.task.name} for {n} epoch{'s' * (n != 1)} of {work.sequences * work.steps} steps, estimated and not run:"
    found = {"estimates": [e.table() for e in estimates]}
    if out is not None:
        from neurosim import plots

        folder = pathlib.Path(out)
        files.write(folder / "cost.json", files.as_json(found))
        figures = {"by_phase": plots.cost_by(estimates, "phase"), "by_event": plots.cost_by(estimates, "event")}
        figures["memory"] = plots.memory_over_steps(e.network, e.chip, e.settings.seed)
        for name, figure in figures.items():
            picture = io.BytesIO()
            figure.savefig(picture, format="png")
            files.write(folder / f"{name}.png", picture.getvalue())
    if json:
        typer.echo(files.as_json(found), nl=False)
        return
    typer.echo(title)
    screen.print_table(["", *(f"{e.rule} on {e.chip}" for e in estimates)], report.side_by_side(estimates))
    if len(estimates) == 1:
        screen.print_table(["phase", "event", "how often", "energy", "share", "price"], report.lines(estimates[0]))
    for text in report.remarks(estimates):
        typer.echo(text)


@app.command()
def validate(
    name: Experiment,
    chip: Annotated[str | None, typer.Option(help="Compare without hardware what was trained on any chip: --chip ideal.")] = None,
    device: Annotated[str, typer.Option(metavar="numpy|cython|cpp", help="How Brian2 carries it out.")] = "numpy",
    steps: Annotated[int, typer.Option(min=1, help="Steps of the test data that are compared.")] = 1000,
    out: Annotated[
        str | None, typer.Option(metavar="DIR", help="Where validation.json and .png go; the run's folder if not given.")
    ] = None,
    rule: Rule = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PART.FIELD=VALUE", help="Any option of train.")] = None,
    json: Json = False,
) -> None:
    """Compare a network, and what it learns in 100 steps, with the same in Brian2: an independent simulator."""
    import io

    from neurosim import brian, files, plots

    brian.load(device)
    report = brian.compare(brian.read(name, _given(rule, set_), chip, steps), device)
    folder, picture = pathlib.Path(out or (name if pathlib.Path(name).is_dir() else f"validations/{pathlib.Path(name).stem}")), io.BytesIO()
    plots.validation(report).savefig(picture, format="png")
    found = files.as_json(report.table())
    files.write(folder / "validation.json", found)
    files.write(folder / "validation.png", picture.getvalue())
    if json:
        typer.echo(found, nl=False)
    else:
        sizes = "-".join(map(str, report.table()["sizes"]))
        typer.echo(f"{name}: {sizes} neurons in float64, {len(report.case.inputs)} steps, beside Brian2 {report.brian2} on {device}.")
        screen.print_table(["difference", "largest", "mean", "judged", "allowed", ""], report.lines())
        typer.echo(report.judgement)
        if report.case.refusal:
            typer.echo(f"Learning was not compared. {report.case.refusal}")
        typer.echo(f"{report.verdict} The picture is {folder / 'validation.png'}.")
    if not report.agrees:
        raise typer.Exit(1)


@app.command()
def export(
    name: Experiment,
    to: Annotated[str, typer.Option(metavar="brian2|nir", help="A Brian2 script, or a graph that other tools read.")] = "brian2",
    learn: Annotated[bool, typer.Option("--learn", help="Write the learning of 100 steps, instead of a test.")] = False,
    chip: Annotated[str | None, typer.Option(help="Leave the hardware out: --chip ideal.")] = None,
    steps: Annotated[int, typer.Option(min=1, help="Steps of the test data that go along.")] = 1000,
    out: Annotated[
        str | None, typer.Option(metavar="DIR|FILE.nir", help="Where; exports/NAME-brian2 or exports/NAME.nir if not given.")
    ] = None,
    rule: Rule = None,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PART.FIELD=VALUE", help="Any option of train.")] = None,
) -> None:
    """Write a network with its weights: as a Brian2 script that stands alone, inputs and perturbations included, or as a NIR graph."""
    from hw_models.parts import InputError
    from neurosim import brian, nir, transfer

    if to == "nir":
        if learn:
            raise InputError("A NIR graph has no learning; leave out --learn, or use --to brian2.")
        path = pathlib.Path(out or pathlib.Path("exports") / f"{pathlib.Path(name).stem}.nir")
        if path.exists():
            raise InputError(f"{path} exists; give another file with --out.")
        plan, weights = transfer.trained(name, _given(rule, set_))
        e = plan.experiment
        nir.write(e.network, weights, path, e.chip, e.rule, e.settings.seed)
        typer.echo(f"Wrote {path}: nir.read reads it, neurosim train --init {path} starts from it.")
        return
    if to != "brian2":
        raise InputError(f'A network can be exported to brian2 or nir, got "{to}".')
    case = brian.read(name, _given(rule, set_), chip, steps)
    if learn and case.refusal:
        raise InputError(case.refusal)
    folder = pathlib.Path(out or pathlib.Path("exports") / f"{pathlib.Path(name).stem}-brian2")
    brian.script(case.simulator, *(case.lesson if learn else (case.inputs,)), title=case.name).write(folder)
    typer.echo(f"Wrote {folder}: python {folder / 'network.py'} [numpy|cython|cpp] runs it.")


@app.command("list")
def list_(what: Annotated[str, typer.Argument(metavar="tasks|rules|chips|prices|cells|neurons|...")]) -> None:
    """Name what there is to choose from, a sentence each."""
    from hw_models.parts import InputError, nearest
    from neurosim import listing

    if what not in listing.LISTS:
        raise InputError(f'There is no list of "{what}"; {nearest(what, listing.LISTS)}')
    screen.print_table(["name", "what it is"], listing.LISTS[what]())


@app.command()
def show(
    what: Annotated[str, typer.Argument(metavar="chip|prices|task|rule|network|neuron|cell|...|train")],
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="As neurosim list names it; or a chip of your own as my_chip.toml.")
    ] = None,
    other: Annotated[str | None, typer.Argument(metavar="[OTHER]", help="Show what differs in this chip instead.")] = None,
    json: Json = False,
) -> None:
    """Show every parameter of a chip with its source, and its prices, or in what two chips differ; a price list; or every option of a task, a rule, a part."""
    from hw_models.chip import catalogue
    from hw_models.parts import InputError, nearest
    from hw_models.prices import catalogue as price_lists
    from hw_models.prices import load as load_prices
    from hw_models.prices import prices_of
    from neurosim import config, files, listing
    from neurosim.cost import PROJECTION

    if other is not None and what != "chip":
        raise InputError(f"Two chips can be compared, but neurosim show {what} takes one name; leave out {other}.")
    if what == "prices":
        if name is None:
            raise InputError(f"neurosim show prices takes the name of one; {nearest('', price_lists())}")
        found = load_prices(name)
        _print_rows(PRICE, listing.prices(found), json, f"{found.name}: {found.summary}")
        return
    if what != "chip":
        sentence, rows = listing.options(what, name)
        _print_rows(("option", "default", "unit", "allowed", "meaning"), rows, json, f"{name or what}: {sentence}")
        return
    if name is None:
        raise InputError(f"neurosim show chip takes the name of one; {nearest('', catalogue())}")
    chip = config.chip_from({"name": name})
    if other is not None:
        there = config.chip_from({"name": other})
        _print_rows(("field", chip.name, there.name), listing.differences(chip, there), json)
        return
    priced = prices_of(chip)
    header = ["field", "value", "unit", "default", "meaning", "source"]
    rows, prices = list(listing.parameters(chip)), list(listing.prices(priced))
    if json:
        found = {"chip": chip.name, "summary": chip.summary, "parameters": [dict(zip(header, row, strict=True)) for row in rows]}
        found |= {
            "prices": [dict(zip(PRICE, row, strict=True)) for row in prices],
            "price_list": priced.name,
            "caveats": [PROJECTION],
        }
        typer.echo(files.as_json(found), nl=False)
        return
    sources = list(dict.fromkeys(source for *_, source in rows if source))
    numbered = [(*row, f"[{sources.index(source) + 1}]" if source else "") for *row, source in rows]
    typer.echo(f"{chip.name}: {chip.summary}")
    screen.print_table(header, numbered)
    typer.echo()
    for n, source in enumerate(sources, 1):
        typer.echo(f"[{n}] {source}")
    if any(f"({mark}" in source for source in sources for mark in listing.MARKS):
        typer.echo(f"How a figure is known: {', '.join(f'{mark} {says}' for mark, says in listing.MARKS.items())}.")
    typer.echo()
    typer.echo(f"Prices {priced.name}: {priced.summary}")
    if prices:
        screen.print_table(PRICE, prices)
        typer.echo(PROJECTION)


@app.command()
def check(
    name: Annotated[
        str,
        typer.Argument(
            metavar="FILE.py:Class|RULE|FILE.toml|RUN_DIR",
            help="A rule, neuron, cell or noise source of your own; the name of a rule; an experiment, whose rule is checked; a chip or a price list.",
        ),
    ],
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="rule.FIELD=VALUE", help="Any option of the rule.")] = None,
) -> None:
    """Check that a class of your own keeps its contract, is local, and computes the same compiled; or what a rule reads and where it fits.

    A rule that declares what is not local passes, and the report says so; the exit status is 1 if something is undeclared or breaks the contract, and
    for reference gradients, which are no rules of a synapse.
    """
    from hw_models import own
    from hw_models.parts import InputError
    from neurosim import config, listing
    from neurosim.rules import Gradient
    from neurosim.testing import check_rule

    if ".py:" in name and not set_:
        cls = own.import_class(name)
        kind, report = listing.checked(cls)
        typer.echo(report if report is not None else f"{cls.__name__} keeps the contract of a {kind}.")
        return
    if name.endswith(".toml") and pathlib.Path(name).is_file() and not set_ and (said := listing.checked_file(name)):
        typer.echo(said)
        return
    a_file = ".py:" not in name and (name.endswith(".toml") or pathlib.Path(name).exists())
    given = _given(None if a_file else name, set_)
    if other := next((path for _, path, _ in given if not path.startswith("rule.")), None):
        raise InputError(f"--set {other} is no option of a rule: neurosim check takes --set rule.FIELD=VALUE.")
    table = config.assemble(name if a_file else None, given)
    rule = config.rule_from(table["rule"])
    kept = pathlib.Path(name).is_dir() and any(
        ".py:" in str(value) for value in config.leaves(table["chip"]).values()
    )  # imported by name alone
    report = check_rule(rule, config.chip_from(table["chip"]) if a_file and not kept else None)
    typer.echo(report)
    if isinstance(rule, Gradient):
        raise typer.Exit(1)


# ---------------------------------------------------------------- what a person sees


PRICE = ("price", "value", "unit", "kind", "at", "source")


def _print_rows(header, rows, json: bool, title: str = "") -> None:
    """A table with what stands above it, or as one JSON list of objects."""
    from neurosim import files

    if json:
        typer.echo(files.as_json([dict(zip(header, row, strict=True)) for row in rows]), nl=False)
        return
    if title:
        typer.echo(title)
    screen.print_table(header, rows)


def _sizes(hidden: str | None):
    """100, or 100,50 for several layers; anything else is for the experiment to refuse."""
    if hidden is None:
        return None
    sizes = [int(n) if n.strip().lstrip("-").isdigit() else n for n in hidden.split(",")]
    return sizes if len(sizes) > 1 else sizes[0]


def _given(rule: str | None, assignments: list[str] | None):
    """What --rule and --set say."""
    from neurosim import config

    return [*([("--rule", "rule.name", rule)] if rule else []), *map(config.assignment, assignments or [])]


def _scale(text: str | None) -> tuple[float, float] | None:
    """LOW,HIGH as two numbers."""
    from hw_models.parts import InputError

    if text is None:
        return None
    try:
        low, high = map(float, text.split(","))
    except ValueError:
        raise InputError(f'--full-scale "{text}" must be two conductances in siemens, such as 1e-6,25e-6.') from None
    return low, high


def _each(flag: str, path: str, names: str | None) -> list[list[tuple[str, str, str]]]:
    """What several names after one flag assign, one at a time; nothing, once, if none is given."""
    return [[(flag, path, name)] for name in names.split(",")] if names else [[]]


def _default_folder(experiment) -> pathlib.Path:
    from neurosim.experiment import rule_name

    e = experiment
    return pathlib.Path("runs") / f"{e.task.name.replace(':', '-')}-{rule_name(e.rule)}-{e.chip.name}-{e.settings.seed}"
