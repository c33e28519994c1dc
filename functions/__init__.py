"""Deployed functions, one folder each; none imports another and nothing imports them."""
