"""`make bench`: what the parts that decide the pipeline's speed take, measured side by side in one
run.
"""
