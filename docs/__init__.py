"""The manual, and the program that writes its reference from the code."""
