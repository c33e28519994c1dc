"""A batch and its units: opened, completed, announced, consolidated."""
