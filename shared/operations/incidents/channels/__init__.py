"""Channels: Slack, e-mail, a web-hook. Each sends one message within a time, or says why not."""
