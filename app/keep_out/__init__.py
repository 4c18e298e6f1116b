"""What was erased or deleted on purpose, and is not to come back."""
