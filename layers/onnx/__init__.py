"""ONNX: networks from files; a file in `rules` translates the operators of one kind."""
