"""The sources of phase 1, one module each."""
