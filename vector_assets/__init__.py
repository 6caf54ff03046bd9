"""Keeps a vector index of a team's Jira, Slack, Notion and Fireflies fresh, and proves it."""

__version__ = "0.1.0"
