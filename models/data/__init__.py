"""Files into validated bars.  A profile declares what a file holds; nothing is guessed or filled."""
