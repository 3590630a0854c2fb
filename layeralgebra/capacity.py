"""Capacity: where in its input a network spends its parameters, how that moves through layers, and the deep limit."""

from .algebra.capacity.allocation.circuits import attention_circuits
from .algebra.capacity.allocation.functional_dimension import FunctionalDimension, functional_dimension
from .algebra.capacity.allocation.of_jacobian import CapacityAllocation, allocate
from .algebra.capacity.allocation.of_network import ClosedFormAllocation, capacity_allocation, linear_predictor
from .algebra.capacity.propagation.of_network import CapacityPropagation, capacity_propagation
from .algebra.capacity.scaling.decoupling import Decoupling
from .algebra.capacity.scaling.deep_limit import DeepLimit
from .algebra.capacity.scaling.of_block import (
    BlockScaling,
    activation_decoupling,
    capacity_deep_limit,
    scaling_exponent,
)
from .algebra.linear.network_maps import Jacobian

__all__ = [
    "BlockScaling",
    "CapacityAllocation",
    "CapacityPropagation",
    "ClosedFormAllocation",
    "Decoupling",
    "DeepLimit",
    "FunctionalDimension",
    "Jacobian",
    "activation_decoupling",
    "allocate",
    "attention_circuits",
    "capacity_allocation",
    "capacity_deep_limit",
    "capacity_propagation",
    "functional_dimension",
    "linear_predictor",
    "scaling_exponent",
]
