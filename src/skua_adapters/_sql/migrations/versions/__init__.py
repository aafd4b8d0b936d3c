"""One chain, oldest first. A version that has shipped never changes."""
