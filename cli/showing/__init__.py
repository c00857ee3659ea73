"""What is shown: progress, the trace, tables.

Nothing here makes a picture or a model. It listens to iterates, and lays out what is found.
"""
