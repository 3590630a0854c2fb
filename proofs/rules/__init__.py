"""Laws that say that two small networks are one function: how they are stated, tried, and read as rules of rewriting."""
