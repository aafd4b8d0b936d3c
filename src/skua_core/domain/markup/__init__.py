"""Markup and placeholders: from what an operator wrote to text, entities and slots, and back."""
