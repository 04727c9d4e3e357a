"""A lending market as an environment for reinforcement learning, over the same kernels."""
