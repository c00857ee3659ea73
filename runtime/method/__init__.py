"""The paper's method at work: settings, targets, the objective, and the iteration on the pixels.

Here lives what makes one picture. `stylize.runtime.plans` says which pictures are to be made.
"""
