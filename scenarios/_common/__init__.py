"""What studies share: the command's options, running an experiment, and the terminal."""
