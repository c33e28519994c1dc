"""The endpoints of operations as data: the dashboard serves them, the command asks them."""
