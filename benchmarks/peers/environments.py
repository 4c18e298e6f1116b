"""The peers' environments: `var/peers/NAME/.venv`, made from the pinned packages of `environments/NAME.txt`."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
REQUIREMENTS = Path(__file__).parent / "environments"
TORCH = ROOT / "scripts/install-torch"


def make(name: str, folder: Path = ROOT / "var/peers") -> Path:
    """Make an environment unless it is there as the requirements say; give its interpreter.

    A line `# torch` in the requirements asks for the CPU build of PyTorch besides.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    venv = folder / name / ".venv"
    python, stamp = venv / "bin/python", venv / "made-from"
    wanted = hashlib.sha256(requirements.read_bytes() + TORCH.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    _run(sys.executable, "-m", "venv", "--clear", str(venv))
    pip = [str(python), "-m", "pip"]
    if "# torch" in requirements.read_text().splitlines():
        _run(str(TORCH), *pip)
    _run(*pip, "install", "--quiet", "--disable-pip-version-check", "--no-deps", "-r", str(requirements))
    _run(*pip, "check")
    stamp.write_text(wanted)
    return python


def _run(*command: str) -> None:
    """Run a command to its end."""
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
