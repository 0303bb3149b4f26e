"""What the rooms read: the rows of one experiment, its curves, what it may claim. Knows no experiment."""
