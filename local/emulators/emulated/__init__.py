"""`make run RUNTIME=gcp-emulators`: a day with the deployed adapters on emulators of Google
Cloud.
"""
