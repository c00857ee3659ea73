"""Pictures: from files of any common kind to arrays of RGB in 0...1, and back to files.

Here lives what knows Pillow. Models, losses and providers are not known here.
"""
