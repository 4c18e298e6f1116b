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

    Raises:
        CalledProcessError: if something cannot be installed; what pip said stands in `log.txt`.
    """
    requirements = REQUIREMENTS / f"{name}.txt"
    venv = folder / name / ".venv"
    python, stamp = venv / "bin/python", venv / "made-from"
    wanted = hashlib.sha256(requirements.read_bytes() + TORCH.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    pip = [str(python), "-m", "pip"]
    commands = [[sys.executable, "-m", "venv", "--clear", str(venv)]]
    if "# torch" in requirements.read_text().splitlines():
        commands.append([str(TORCH), *pip])
    commands.append([*pip, "install", "--disable-pip-version-check", "--no-deps", "-r", str(requirements)])
    commands.append([*pip, "check"])
    venv.parent.mkdir(parents=True, exist_ok=True)
    with (venv.parent / "log.txt").open("w", encoding="utf-8") as log:
        for command in commands:
            subprocess.run(command, check=True, stdout=log, stderr=subprocess.STDOUT)
    stamp.write_text(wanted)
    return python
