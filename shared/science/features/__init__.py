"""The features' one definition: their names, and the SQL that more than one function reads them
with.
"""
