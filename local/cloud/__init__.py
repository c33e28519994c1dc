"""What a person does to a deployed pipeline beside plan and apply: fill past seasons, try it, hold
the ports to a real project, promote an archive, take an environment away.
"""
