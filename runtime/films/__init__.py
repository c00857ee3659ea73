"""Films: pictures, one after the other, in a file that plays.

Here lives what knows the kinds of such files, and how long a film of so many iterations is. What an
iteration is, and which of its pictures are taken, is not known here.
"""
