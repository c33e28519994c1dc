"""What the embedded ports stand on: the files of one machine, and how they fail."""
