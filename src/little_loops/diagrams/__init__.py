"""Graph of a loop -> text, Mermaid. Pure functions: nothing here reads a file, a clock or a terminal."""
