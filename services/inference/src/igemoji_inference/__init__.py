"""Inference service: photos in, emoji photos out."""
