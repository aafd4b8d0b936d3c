"""What everything that is sealed or signed shares: the key ring, and the form that is stored."""
