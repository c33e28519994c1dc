"""What is learned from feature rows, and the rows: used by train_model and by the backtest alike."""
