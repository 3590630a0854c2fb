"""Capacity allocation: how the parameters of a predictor are spread over its inputs."""

from ...handing_on import handed_on

__all__, __getattr__ = handed_on(__name__, {}, formerly="of_jacobian")
