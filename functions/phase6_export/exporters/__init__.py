"""The export families: each builds the bodies of its files from one day's data."""
