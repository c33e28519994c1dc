"""What is predicted and how it is judged: features, systems < model_registry < predictions;
evaluation < training.
"""
