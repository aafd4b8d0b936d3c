"""Skua's domain: bots, their subscribers, what is sent to them, and what became of it.

Imports the standard library and msgspec, nothing else.
"""
