"""Model folders: written all or not at all, and verified against torch and finite differences.

Here lives what knows files and manifests, and puts the rooms below together.
"""
