"""The one port of this machine, and who may ask something of it."""
