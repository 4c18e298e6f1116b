"""Every picture by its name."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from scripts.pictures.canvas import Canvas
from scripts.pictures.closed import hybrid, linear, lowrank
from scripts.pictures.deeper import deep, stacked, variational
from scripts.pictures.shallow import basic, contractive, denoising, overcomplete, sparse
from scripts.pictures.system import architecture

KINDS_DRAWN = (basic, sparse, denoising, contractive, stacked, deep, variational, linear, lowrank, hybrid, overcomplete)
DRAWN = (*KINDS_DRAWN, architecture)
PICTURES: Mapping[str, Callable[[], Canvas]] = {draw.__name__: draw for draw in DRAWN}
