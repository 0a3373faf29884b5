"""What a person sees of a run on a terminal or in a pipe."""

import contextlib
import math

import typer


def trained(experiment, dataset, initial, title, folder=None, fit: bool | None = None):
    """Train with a progress bar on a terminal, and silently elsewhere; keep the run in its folder, if it has one."""
    from neurosim.train import run

    with progress(title, experiment.settings.epochs) as advance:

        def begin(run):
            if folder:
                folder.begin(run)
            advance(run)

        def epoch(run):
            if folder:
                folder.epoch(run)
            advance(run)

        return run(experiment, dataset, epoch, initial, begin, fit)


@contextlib.contextmanager
def progress(title, epochs):
    """A bar on standard error with epoch, loss and time left; what it gives is to be called with the run."""
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda run: None
        return
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[said]}"), TimeRemainingColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        bar.console.print(f"{title}: compiling for this chip and rule (about 20 s the first time, then kept).", highlight=False)
        task = bar.add_task(title, total=epochs, said="")

        def advance(run):
            if run.epochs:
                done = len(run.epochs)
                bar.update(task, completed=done, said=f"epoch {done}/{epochs}  test loss {run.epochs[-1].test:.4g}")

        yield advance


def print_losses(run, compared) -> None:
    """Test losses: the run, the same on another chip, the baselines, best first."""
    from neurosim.plots import BASELINES

    chip = run.experiment.chip.name
    best = f", the best of {len(run.epochs)} by validation" if run.experiment.settings.keep == "best" else ""
    rows = [(f"this run, on {chip}", run.metrics["final_test_loss"], f"after epoch {run.kept}{best}")]
    if compared is not None:
        there = compared.experiment.chip.name
        rows.append((f"the same on {there}", compared.metrics["final_test_loss"], "no hardware effects" if there == "ideal" else ""))
    for name, losses in run.baselines.items():
        diverged = losses["test"] is not None and not math.isfinite(losses["test"])
        rows.append((name, losses["test"], BASELINES.get(name, "") + ", which diverged at these rates" * diverged))
    rows.sort(key=lambda row: float("inf") if row[1] is None else row[1])
    print_table(
        ["on test data", "loss", ""],
        [(name, "-" if loss is None else f"{loss:.4g}", meaning) for name, loss, meaning in rows],
        bold=f"this run, on {chip}",
    )
    typer.echo(f"Losses are in {run.dataset.unit}, best first.")
    if run.test_accuracy is not None:
        typer.echo(f"{run.test_accuracy:.1%} of the test answers name the right class.")


def print_cost(run, folder) -> None:
    """What the training would have taken on the chip, as far as it is priced; of a chip of one's own, how to price it."""
    from hw_models.chip import catalogue
    from hw_models.parts import InputError

    try:
        estimate = run.estimate()
    except InputError:
        return
    if not estimate.energy.kinds and estimate.chip not in catalogue():
        typer.echo(f"No price list names {estimate.chip}; neurosim cost {folder} --prices LIST bills what this run counted.")
    for kind in estimate.energy.kinds:
        said = estimate.energy.said("J", kind)
        typer.echo(f"On {estimate.chip} this training would take {said} at {kind} prices; see neurosim cost.")
    for text in estimate.caveats if estimate.energy.kinds else ():
        typer.echo(text)


def print_table(header, rows, bold=None) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*[Text(str(cell)) for cell in row], style="bold" if row[0] == bold else None)
    console = Console()
    if not console.is_terminal:
        console.width = 200  # a pipe has no width to wrap at
    with console.capture() as printed:
        console.print(table)
    typer.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))
