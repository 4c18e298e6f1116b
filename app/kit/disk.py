"""What is left on a disk."""

import shutil
from pathlib import Path


def free_bytes(path: Path) -> int:
    """Return what is left on the disk of a file or folder, which may not be there yet."""
    while not path.exists():
        path = path.absolute().parent
    return shutil.disk_usage(path).free
