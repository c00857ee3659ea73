"""What makes a site of the pages: small extensions of Sphinx, one job each."""
