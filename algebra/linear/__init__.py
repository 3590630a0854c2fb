"""Networks as sparse linear maps: what an equation multiplies, the maps of a layer, the tape of a network."""
