"""Which line is a defence, what is left without it, and which test sees that."""

from . import content, edge, identity
from .mutant import Mutant

__all__ = ["MUTANTS", "Mutant"]

MUTANTS = (*identity.MUTANTS, *edge.MUTANTS, *content.MUTANTS)
