"""Run folders: Parquet tables, run.json and a manifest, complete or absent.

The schema says what every column means; a folder is on this machine or behind a URL, and damaged
and partly written files in it are detected, never read as results. Knows numerics alone, so that
analysis reads logs without a market.
"""
