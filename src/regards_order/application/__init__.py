"""What users and workers do: one file a thing, built from domain values and ports."""
