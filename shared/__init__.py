"""What two or more functions use; knows nothing of functions/ or local/."""
