"""What is published and read: messages, the push envelope, the outbox, dead letters."""
