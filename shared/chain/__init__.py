"""How a message becomes work exactly once: messages < batches < resilience < execution."""
