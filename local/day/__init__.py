"""A day played from morning to grades: its inputs, plan, summary and screen."""
