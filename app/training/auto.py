"""What `kind: auto` stands for."""

AUTO = "auto"
FITTED = "hybrid"  # the kind it fits
DEEP_MAX_ITEMS = 50_000  # a softmax over more takes too long


def members(num_items: int, linear_max_items: int) -> list[str]:
    """Name the kinds that are blended for a catalogue of this size."""
    linear = ["linear"] if num_items <= linear_max_items else []
    deep = ["denoising"] if num_items <= DEEP_MAX_ITEMS else []
    return [*linear, "lowrank", *deep]
