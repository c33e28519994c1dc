"""Emulators of Google Cloud as processes of this machine: found, started on free ports, filled,
ended.
"""
