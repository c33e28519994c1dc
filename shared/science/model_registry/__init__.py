"""Trained models in their bucket: kept, sealed, promoted, rolled back."""
