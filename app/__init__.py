"""The service."""

import os

# Threads that wait for one another sleep. Read when torch, numpy and scipy are loaded: docs/decisions/0012.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_THREAD_TIMEOUT", "4")
