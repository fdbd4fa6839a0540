"""Studies: one script each, run by `market-shock run NAME`; a name with an underscore is none."""
