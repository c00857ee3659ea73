"""Pictures: from files of any common kind to arrays of RGB in 0...1, and back to files.

Here lives what knows pixels: their colours, sizes and transparency. How files begin and are opened
is known one floor below. Models, losses and providers are not known here.
"""
