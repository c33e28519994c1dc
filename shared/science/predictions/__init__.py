"""From features and models to rows: who is predicted, on which lines, and why."""
