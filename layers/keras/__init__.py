"""Keras: networks from models."""
