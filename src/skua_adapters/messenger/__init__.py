"""Messenger adapters."""
