"""What is deployed: the archive of the functions, clean environments for it, and what a cold start
of it costs.
"""
