"""train_model: retrains xgboost_v1 and ensemble_v1 walk-forward and makes them current."""
