"""What is generated from the app: the commands and options as data, and the manual pages.

No command needs it. It is for documentation, and whatever else is to be kept true to the app.
"""
