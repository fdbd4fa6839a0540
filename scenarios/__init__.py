"""Studies: a file or folder each, run by `market-shock run NAME`; helpers have an underscore."""
