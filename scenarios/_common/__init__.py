"""What studies share: options of the command, running an experiment, and the terminal."""
