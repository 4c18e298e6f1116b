"""A running experiment as one process serves it: both versions in memory."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.experiments.assignment import Arm, Assignment
from app.recommendations.state.loaded_model import LoadedModel


@dataclass(frozen=True)
class RunningExperiment:
    """An experiment with both versions loaded: as long as one is missing, no user takes part."""

    number: int
    assignment: Assignment
    models: Mapping[Arm, LoadedModel]

    def model_of(self, user_id: str) -> LoadedModel | None:
        """Return the model of a user's arm; None if they do not take part."""
        arm = self.assignment.arm_of(user_id)
        return None if arm is None else self.models[arm]
