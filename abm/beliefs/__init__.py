"""Beliefs about the value: normal by moment matching, or exact on a grid."""
