"""Many pictures: which, in which order, who makes which, and what came of each.

Here lives what a batch is: its pairs, the claims by which several processes share them, the record.
Nothing here computes a picture, but what it asks of workers; and nothing below needs it.
"""
