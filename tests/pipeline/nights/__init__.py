"""The seven broken nights of an operator, each played on the embedded runtime.

`python -m tests.pipeline.nights` prints what people were sent, read and pressed in each.
"""
