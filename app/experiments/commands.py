"""The commands `palate experiments ...`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from app.database.commands import on_database
from app.registry.commands import operator

commands = typer.Typer(no_args_is_help=True, help="Serve two versions side by side, and compare them.")
Number = Annotated[int, typer.Argument(help="Number of the experiment, as shown by `palate experiments list`.")]
Why = Annotated[str | None, typer.Option(help="The reason; stored with the experiment.")]


@commands.command("list")
def list_experiments(
    limit: Annotated[int, typer.Option(min=1, help="The maximum number of experiments to show.")] = 20,
) -> None:
    """List the experiments, newest first."""
    from rich.console import Console
    from rich.table import Table

    from app.experiments import repository

    table = Table("number", "name", "state", "control", "treatment", "share", "started", box=None)
    for row in on_database(lambda database: database.read(repository.find_all, None, limit)):
        versions = row.control, row.treatment
        table.add_row(str(row.id), row.name, row.state, *versions, f"{row.share:.0%}", f"{row.started_at:%Y-%m-%d}")
    Console().print(table)


@commands.command("start")
def start(
    control: Annotated[str, typer.Argument(help="The version to compare with.")],
    treatment: Annotated[str, typer.Argument(help="The version to try.")],
    name: Annotated[str, typer.Option(help="What it is about.")],
    share: Annotated[float, typer.Option(help="Share of the users who take part, up to 1.")] = 1.0,
    treatment_share: Annotated[float, typer.Option(help="Share of these who get the treatment.")] = 0.5,
    salt: Annotated[str | None, typer.Option(help="Divides the users; random if left out.")] = None,
    reason: Why = None,
) -> None:
    """Serve two versions side by side, each to its share of the users."""
    from pydantic import ValidationError

    from app.experiments import service
    from app.experiments.schemas import NewExperiment
    from app.kit.validation import invalid_request
    from app.settings import Settings

    fields = {"name": name, "control": control, "treatment": treatment, "share": share, "salt": salt, "reason": reason}
    try:
        plan = NewExperiment.model_validate(fields | {"treatment_share": treatment_share}).plan()
    except ValidationError as error:
        raise invalid_request([{**e, "loc": ("body", *e["loc"])} for e in error.errors()]) from error
    requester, now = service.Requester(operator(), reason), datetime.now(UTC)
    store = Settings().model_store
    started = on_database(
        lambda database: service.start_experiment(database, store, plan, requester=requester, now=now)
    )
    typer.echo(f"experiment {started.id} runs")


@commands.command("show")
def show(number: Number) -> None:
    """Show an experiment, as JSON."""
    from app.experiments import service

    echo(on_database(lambda database: database.read(service.get, number)))


@commands.command("report")
def report(
    number: Number,
    metric: Annotated[
        str, typer.Option(help="The metric that decides: click_through, hit, conversion or buyers.")
    ] = "click_through",
) -> None:
    """Compare the two arms of an experiment by the feedback on their answers."""
    from rich.console import Console

    from app.experiments.display import table_of
    from app.experiments.figures import Metric
    from app.experiments.report import report as read
    from app.kit.errors import FieldProblem, InvalidRequest

    if metric not in list(Metric):
        detail = f"must be one of {', '.join(Metric)}"
        raise InvalidRequest(f"metric: {detail}", [FieldProblem("metric", detail)])
    found = on_database(lambda database: database.scan(read, number, Metric(metric)))
    Console().print(table_of(found))
    Console().print(found.verdict)


@commands.command("stop")
def stop(
    number: Number,
    activate: Annotated[str | None, typer.Option(help="The arm whose version goes live: control or treatment.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Activate it even if the gate refused it.")] = False,
    reason: Why = None,
) -> None:
    """Stop an experiment for good; all users get the live version."""
    from app.experiments import service
    from app.experiments.assignment import Arm
    from app.kit.errors import FieldProblem, InvalidRequest
    from app.registry.service import ActivationRequest
    from app.settings import Settings

    if activate is not None and activate not in list(Arm):
        detail = f"must be one of {', '.join(Arm)}"
        raise InvalidRequest(f"activate: {detail}", [FieldProblem("activate", detail)])
    request = ActivationRequest(actor=operator(), reason=reason, force=force)
    arm, store, now = Arm(activate) if activate else None, Settings().model_store, datetime.now(UTC)
    echo(
        on_database(
            lambda database: service.stop_experiment(database, store, number, activate=arm, request=request, now=now)
        )
    )


def echo(experiment: Any) -> None:
    """Print an experiment in the form of the API."""
    from app.experiments.schemas import ExperimentOut

    typer.echo(ExperimentOut.model_validate(experiment).model_dump_json(indent=2))
