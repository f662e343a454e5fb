"""The commands."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from vitrolyte import __version__
from vitrolyte.cli.fit import fit_app
from vitrolyte.data.errors import EngineError, VitrolyteError

if TYPE_CHECKING:
    from vitrolyte.data.observation import Observation
    from vitrolyte.study.settings import StudySettings

app = typer.Typer(
    name="vitrolyte",
    help="Design, simulate and characterise solid electrolytes.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print one JSON array of observations and nothing else.")
]


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A study file, or the name of a shipped study.")],
    profile: Annotated[
        str | None,
        typer.Option(help="Profile of the study: quick, standard, production or its own."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Result folder [default: runs/NAME].", file_okay=False)
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Runs side by side.")] = None,
    processes: Annotated[int | None, typer.Option(min=1, help="MPI processes of a run.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Carry out a study and write its page; resumes where it stopped."""
    from vitrolyte.study.settings import read_study, with_launch

    settings = with_launch(read_study(study, profile), workers=workers, processes=processes)
    _carry_out(settings, out, as_json)


@app.command()
def analyse(
    context: typer.Context,
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRAJECTORY...",
            help="Runs or structures of any engine, in files; several are of one composition.",
        ),
    ],
    observe: Annotated[
        str | None, typer.Option(help="What to look at, with commas [default: all that can be].")
    ] = None,
    mobile: Annotated[str | None, typer.Option(help="Mobile elements: Li,Na.")] = None,
    absorber: Annotated[
        str | None, typer.Option(help="Element whose EXAFS and first shell is looked at.")
    ] = None,
    charges: Annotated[str | None, typer.Option(help="Formal charges: Li=1,O=-2.")] = None,
    bonds: Annotated[
        str | None, typer.Option(help="Bonds whose stretching is looked at: O-H.")
    ] = None,
    rotor: Annotated[
        str | None, typer.Option(help="Molecular ion whose turning is looked at: PS4.")
    ] = None,
    nuclei: Annotated[
        str | None, typer.Option(help="Nuclei whose NMR relaxation is looked at: 7Li,1H.")
    ] = None,
    fields_T: Annotated[
        str | None, typer.Option("--fields-T", help="Magnetic fields of R1 [default: 11.74].")
    ] = None,
    spin_locks_kHz: Annotated[
        str | None, typer.Option("--spin-locks-kHz", help="Spin-locks of R1rho [default: 20].")
    ] = None,
    types: Annotated[str | None, typer.Option(help="Elements of types: 1=Li,2=O.")] = None,
    cut_offs_A: Annotated[
        str | None, typer.Option("--cut-offs-A", help="Ends of first shells: Zr-O=2.6.")
    ] = None,
    temperature_K: Annotated[
        str | None,
        typer.Option("--temperature-K", help="Temperature of the run; of each with commas."),
    ] = None,
    pressure_GPa: Annotated[
        float | None, typer.Option("--pressure-GPa", help="Pressure of the run.")
    ] = None,
    frame_time_ps: Annotated[float | None, typer.Option(help="Time from frame to frame.")] = None,
    timestep_ps: Annotated[
        float | None, typer.Option(help="Time step, for files that count steps.")
    ] = None,
    wavelength_A: Annotated[
        float | None, typer.Option("--wavelength-A", help="Of the pattern [default: Cu K-alpha].")
    ] = None,
    format: Annotated[
        str | None, typer.Option(help="Format of the file, where it is not plain.")
    ] = None,
    units: Annotated[str | None, typer.Option(help="LAMMPS unit style [default: metal].")] = None,
    topology: Annotated[
        Path | None, typer.Option(help="A structure that names the atoms, for DCD, XTC and TRR.")
    ] = None,
    cell: Annotated[
        str | None,
        typer.Option(help="Cell in Å and degrees, with commas, where the file has none."),
    ] = None,
    frames: Annotated[str | None, typer.Option(help="Which frames: START:STOP:EVERY.")] = None,
    whole_frames: Annotated[
        bool, typer.Option("--whole-frames", help="Leave out an incomplete last frame.")
    ] = False,
    formula: Annotated[
        str | None, typer.Option(help="Its formula, where you write it otherwise than the file.")
    ] = None,
    material: Annotated[str | None, typer.Option(help="Its name in the table.")] = None,
    phase: Annotated[str | None, typer.Option(help="Its phase in the table: glass …")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Result folder [default: runs/FILE].", file_okay=False)
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Steps side by side.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Look at trajectories of your own as at those that were made here."""
    from vitrolyte.study.analysis.request import read_request
    from vitrolyte.study.analysis.studies import analysis_study
    from vitrolyte.study.settings import with_launch

    own = {"out", "workers", "as_json"}
    asked = {name: value for name, value in context.params.items() if name not in own}
    _carry_out(with_launch(analysis_study(read_request(asked)), workers=workers), out, as_json)


@app.command()
def distil(
    config: Annotated[Path, typer.Argument(help="A distillation file.", dir_okay=False)],
    teacher_python: Annotated[
        Path | None, typer.Option(help="Python in which the teacher is installed.")
    ] = None,
    work: Annotated[
        Path | None, typer.Option(help="Working folder [default: runs/distil-NAME].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Folder of the student [default: potentials/NAME].")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, help="Processes side by side.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the card as JSON and nothing else.")
    ] = False,
) -> None:
    """Distil a student potential for a chemistry; resumes where it stopped."""
    from vitrolyte.infer.distil.command import Places, distil_file
    from vitrolyte.report.distilled import card_table, to_json, verdict_lines

    try:
        outcome = distil_file(
            config,
            Places(teacher_python, work, out, workers),
            lambda line: typer.echo(line, err=True),
        )
    except KeyboardInterrupt:
        typer.echo("vitrolyte: stopped; the same command goes on from here.", err=True)
        raise typer.Exit(130) from None
    if as_json:
        sys.stdout.write(to_json(outcome) + "\n")
        return
    from rich.console import Console

    Console().print(card_table(outcome))
    for line in verdict_lines(outcome):
        typer.echo(line)


@app.command()
def lit(
    words: Annotated[
        list[str] | None, typer.Argument(help="Words that must all stand in a row.")
    ] = None,
    quantity: Annotated[str | None, typer.Option(help="Only this quantity.")] = None,
    formula: Annotated[str | None, typer.Option(help="Only this formula.")] = None,
    phase: Annotated[str | None, typer.Option(help="Only this phase.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Search the table of published numbers."""
    from vitrolyte.literature.table import query

    rows = query(" ".join(words or ()), quantity=quantity, formula=formula, phase=phase)
    _show(rows, as_json)


@app.command()
def table(
    folder: Annotated[Path, typer.Argument(help="A result folder.")],
    as_json: JsonOption = False,
) -> None:
    """Print the observations of a stored result."""
    _show(_stored_rows(folder), as_json)


@app.command()
def report(
    folders: Annotated[list[Path], typer.Argument(help="Result folders.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Where to write the page of several [default: side-by-side.html]."),
    ] = None,
) -> None:
    """Write the page of a stored result anew, or one page of several side by side."""
    from vitrolyte.report.compose import write_study_report, write_table_report
    from vitrolyte.study.run import stored_outcome

    if len(folders) == 1:
        typer.echo(write_study_report(stored_outcome(folders[0]), out))
        return
    rows = {str(folder): _stored_rows(folder) for folder in folders}
    typer.echo(write_table_report(out or Path("side-by-side.html"), rows))


@app.command()
def potentials(
    name: Annotated[str | None, typer.Argument(help="One potential, with its whole card.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON array of potentials and nothing else.")
    ] = False,
) -> None:
    """List every potential at hand: students, classical ones and teachers."""
    from vitrolyte.report.inventory import card_table, card_text, inventory, listing, to_json

    found = inventory()
    for fault in found.faults:
        typer.echo(f"vitrolyte: {fault}", err=True)
    entries = found.entries if name is None else (found.named(name),)
    if as_json:
        sys.stdout.write(to_json(entries) + "\n")
        return
    from rich.console import Console

    if name is None:
        Console().print(listing(entries))
        return
    for line in card_text(entries[0]):
        typer.echo(line)
    if entries[0].figures:
        Console().print(card_table(entries[0]))


@app.command()
def doctor() -> None:
    """Say what is installed, what is missing and how to install it."""
    from vitrolyte.report.doctor import findings

    state = findings()
    for finding in state:
        typer.echo(finding.line())
    if not all(finding.ok for finding in state if finding.needed):
        raise typer.Exit(1)


def _carry_out(settings: StudySettings, out: Path | None, as_json: bool) -> None:
    from vitrolyte.report.compose import write_study_report
    from vitrolyte.study.progress import reporter_for
    from vitrolyte.study.run import run_study

    folder = out if out is not None else Path("runs") / settings.name
    try:
        outcome = run_study(settings, folder, reporter_for(sys.stderr))
    except KeyboardInterrupt:
        typer.echo("vitrolyte: stopped; the same command goes on from here.", err=True)
        raise typer.Exit(130) from None
    page = write_study_report(outcome)
    if as_json:
        _print_json(outcome.observations)
        return
    from rich.console import Console

    from vitrolyte.report.summary import summary_table

    Console().print(summary_table(outcome.comparisons, outcome.observations))
    typer.echo(f"Report: {page}")


app.add_typer(fit_app(_carry_out), name="fit")


def _stored_rows(folder: Path) -> tuple[Observation, ...]:
    from vitrolyte.data.io.observations import read_csv

    return read_csv(folder / "observations.csv")


def _show(rows: Sequence[Observation], as_json: bool) -> None:
    if as_json:
        _print_json(rows)
        return
    from rich.console import Console

    from vitrolyte.report.summary import observation_listing

    Console().print(observation_listing(rows))


def _print_json(rows: Sequence[Observation]) -> None:
    from vitrolyte.data.io.observations import to_json

    sys.stdout.write(to_json(rows) + "\n")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"vitrolyte {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Tell more on standard error.")
    ] = False,
) -> None:
    del version
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(message)s",
    )


def guarded(command: Callable[[], object]) -> NoReturn:
    """Run a command and leave with its exit status; a known error is one message, no traceback."""
    try:
        command()
    except VitrolyteError as fault:
        typer.echo(f"vitrolyte: {fault.message()}", err=True)
        if isinstance(fault, EngineError) and fault.log_tail:
            typer.echo(f"End of the engine's log in {fault.folder}:\n{fault.log_tail}", err=True)
        sys.exit(fault.exit_status)
    sys.exit(0)


def main() -> NoReturn:
    """Start the program."""
    guarded(app)
