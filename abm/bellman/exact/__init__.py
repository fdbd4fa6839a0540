"""The optimum on exact beliefs."""
