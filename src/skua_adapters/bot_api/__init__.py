"""BotApi adapters, and what they share: reading updates, checking public URLs."""
