"""What is wrong with the box, in plain words."""
