"""Mutants: what the code looks like without each defense, and which test sees that."""

from . import content, edge, identity
from .edits import StaleMutant
from .mutant import Mutant

__all__ = ["MUTANTS", "Mutant", "StaleMutant"]

MUTANTS = (*identity.MUTANTS, *edge.MUTANTS, *content.MUTANTS)
