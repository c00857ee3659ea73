"""A picture watched while it grows: files of it on the way, a film, a preview, the terminal.

Here lives what looks at iterates and shows them, and changes nothing. A watcher that fails never
ends the run. How a picture is made and saved is `stylize.cli.making`'s; what a film is,
`stylize.runtime.films`'.
"""
