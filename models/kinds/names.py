"""Names of the kinds of autoencoder, importable without PyTorch, so that small commands start quickly."""

SINGLE_KINDS = (
    "linear",
    "lowrank",
    "basic",
    "sparse",
    "contractive",
    "stacked",
    "deep",
    "variational",
    "denoising",
)
KIND_NAMES = (*SINGLE_KINDS, "hybrid")
