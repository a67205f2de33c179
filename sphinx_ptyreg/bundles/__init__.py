"""Evidence as one file that travels: written, read with suspicion, merged into a store."""
