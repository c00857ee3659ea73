"""The paper's method at work: settings, targets, the objective, and the iteration on the pixels.

Here lives what makes one picture. Which pictures are to be made is `stylize.runtime.plans`'.
"""
