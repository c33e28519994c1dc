"""./nba, the command of operators: what is short, and what mends it, from a shell.

It has no logic of its own: it asks a runtime's endpoints, or Google Cloud's stores by the same
endpoints within this process, and shows what they answer.
"""
