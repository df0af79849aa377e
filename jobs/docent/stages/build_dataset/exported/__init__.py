"""Files of a data set for others: how they grow row by row, and what loads them."""
