"""What functions touch: the four ports and their limits, the runtime that binds them, the
warehouse, Google Cloud.
"""
