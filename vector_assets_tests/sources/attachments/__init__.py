"""Attachments: formats, limits, downloads, and each vendor the whole way."""
