"""The demo: everything embedded, a simulated Telegram, and a broadcast to watch."""
