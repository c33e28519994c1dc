"""What training and the backtest share: the rows, the walk-forward fit, and the gate that a new
version passes.
"""
