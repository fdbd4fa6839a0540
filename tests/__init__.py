"""The tests: a folder for each wing and each package beside it, and `pages` for what is shown."""
