"""The one process that runs the functions: runtime, server, dispatcher, clock, folder lock, admin
endpoint.
"""
