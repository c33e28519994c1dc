"""Incidents: one per cause, opened once, updated in place, resolved when the check holds again; and
the messages about them.

    findings, alerts --observing, receiving--> incidents --delivering--> deliveries --> people
    people --acting--> incidents, audit --history--> nba_monitoring
"""
