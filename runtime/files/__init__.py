"""Files of pictures: of what kind one is, what its headers tell, and opened with Pillow.

Here lives what knows the formats of files. What pixels mean is not known here.
"""
