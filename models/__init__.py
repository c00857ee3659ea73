"""What a model folder is, where models are looked for, and the model embedded in the package."""
