"""The four ports on Google Cloud: the only place that imports Google's client libraries."""
