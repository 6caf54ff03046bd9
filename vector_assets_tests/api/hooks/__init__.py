"""Tests of the receivers of events."""
