"""A date's rows put back as they were, by the warehouse's own past."""
