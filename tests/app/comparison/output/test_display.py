"""What is shown while a comparison runs."""

from io import StringIO

from rich.console import Console

from app.comparison.job import Job
from app.comparison.output.display import Display
from models.fitting.training_loop import EpochReport
from tests.app.comparison.helpers import OPTIONS

REPORT = EpochReport(
    epoch=2, epochs=9, loss=1.5, metrics={"ndcg@100": 0.25}, seconds=1.0, is_best=True, stage="fine-tuning"
)
JOBS = [Job("deep", "unseen", 3, OPTIONS), Job("deep", "ratings", 3, OPTIONS)]


def shown(is_terminal: bool) -> str:
    stream = StringIO()
    with Display(2, Console(file=stream, force_terminal=is_terminal, width=160)) as display:
        for job in JOBS:
            display.start(job)
            display._live.refresh()
            display.epoch(REPORT)
            display._live.refresh()
            display.end(job, "NDCG@10 .250")
    return stream.getvalue()


def test_a_terminal_shows_job_epoch_stage_and_validation() -> None:
    said = shown(is_terminal=True)
    assert "0/9" not in said
    for text in (
        "unseen users, seed 3, deep",
        "0/?",
        "2/9",
        "fine-tuning, loss 1.5000, validation NDCG@100 0.2500",
        "2/2",
    ):
        assert text in said, text


def test_a_log_has_a_line_for_each_job() -> None:
    assert shown(is_terminal=False).splitlines() == [
        "unseen users, seed 3, deep: NDCG@10 .250",
        "hidden ratings of seen users, seed 3, deep: NDCG@10 .250",
    ]
