"""The language server: an editor's face of the language. It decides nothing about the language; it asks."""
