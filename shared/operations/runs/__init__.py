"""What has run lately, and what runs now."""
