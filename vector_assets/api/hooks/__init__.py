"""Receivers of vendors' events under `/hooks/{source}`: each is on only when its secret is set.

A receiver verifies the signature, takes the ids of documents out of the event and puts them into
the queue of changes. It asks no vendor, and keeps nothing else of the event.

Keep out: reading documents, Dagster. A new vendor is one module, one line in `receivers.py`, and
its setting.
"""
