"""Adam with decoupled weight decay, in plain tensors.

``torch.optim`` loads the compiler stack with its first optimiser: 70 MB and a second per process, which
every agent would pay.  tests/models/test_quantile_network.py holds this to ``torch.optim.AdamW``.

Source: Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019 (decoupled weight decay).
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

FIRST_DECAY, SECOND_DECAY, EPSILON = 0.9, 0.999, 1e-8


class Adam:
    """Holds the parameters and their two moments."""

    def __init__(self, parameters: Iterable[Tensor], *, learning_rate: float, weight_decay: float) -> None:
        self.parameters = list(parameters)
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self._first = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._second = [torch.zeros_like(parameter) for parameter in self.parameters]
        self._steps = 0

    def zero_grad(self) -> None:
        """Forget the gradients."""
        for parameter in self.parameters:
            parameter.grad = None

    @torch.no_grad()
    def step(self) -> None:
        """Move every parameter that has a gradient."""
        self._steps += 1
        first_left = 1 - FIRST_DECAY**self._steps
        second_left = 1 - SECOND_DECAY**self._steps
        for parameter, first, second in zip(self.parameters, self._first, self._second, strict=True):
            if parameter.grad is None:
                continue
            parameter.mul_(1 - self.learning_rate * self.weight_decay)
            first.lerp_(parameter.grad, 1 - FIRST_DECAY)
            second.mul_(SECOND_DECAY).addcmul_(parameter.grad, parameter.grad, value=1 - SECOND_DECAY)
            scale = (second.sqrt() / second_left**0.5).add_(EPSILON)
            parameter.addcdiv_(first, scale, value=-self.learning_rate / first_left)
