"""Past dates through phases 1 to 4: planned from what they lack, published a few messages at a
time, on record from the first press to the last date.
"""
