"""What an operator does, signed with who and why: previewed, carried out once, on record."""
