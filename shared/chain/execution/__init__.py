"""One execution: who it is, its ledger, the handler around its work, its history and alerts."""
