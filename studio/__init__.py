"""The studio: a page and an API that paint on this machine, with a queue and a gallery.

A picture is made by a process of its own, which is the command line's. This package keeps the jobs,
watches these processes, and answers a browser. It is imported only when the studio is opened.
"""
