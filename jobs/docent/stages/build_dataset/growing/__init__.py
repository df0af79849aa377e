"""Files of a data set that grow row by row and are not there without rows. Reads and writes nothing itself."""
