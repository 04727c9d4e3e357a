"""One module per group of commands; each imports its work inside the command."""
