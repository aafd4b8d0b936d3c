"""MediaStore adapters."""
