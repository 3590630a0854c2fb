"""A language model as GPT-2 is described, its attention written in the three ways in which PyTorch's users write it.

Radford, Wu, Child, Luan, Amodei, Sutskever, "Language Models are Unsupervised Multitask Learners", OpenAI (2019).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional

WAYS = ("products", "module", "function", "mask")


class Attention(nn.Module):
    """Causal attention by two products and a masked softmax, by PyTorch's module, or by its function."""

    def __init__(self, width: int, heads: int, context: int, way: str):
        super().__init__()
        self.way, self.heads = way, heads
        if way == "module":
            self.inner = nn.MultiheadAttention(width, heads, batch_first=True)
        else:
            self.into = nn.Linear(width, 3 * width)
            self.out = nn.Linear(width, width)
        self.register_buffer("allowed", torch.ones(context, context, dtype=torch.bool).tril())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, time, width = x.shape
        allowed = self.allowed[:time, :time]
        if self.way == "module":
            return self.inner(x, x, x, attn_mask=~allowed, need_weights=False)[0]
        parts = self.into(x).split(width, dim=2)
        query, key, value = (part.view(batch, time, self.heads, width // self.heads).transpose(1, 2) for part in parts)
        if self.way == "products":
            scores = query @ key.transpose(-2, -1) / math.sqrt(width // self.heads)
            mixed = torch.softmax(scores.masked_fill(~allowed, float("-inf")), dim=-1) @ value
        elif self.way == "mask":
            mixed = functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed)
        else:
            mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.out(mixed.transpose(1, 2).reshape(batch, time, width))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, context: int, way: str):
        super().__init__()
        self.first_norm, self.attention = nn.LayerNorm(width), Attention(width, heads, context, way)
        self.second_norm = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.attention(self.first_norm(x))
        return x + self.mlp(self.second_norm(x))


class LanguageModel(nn.Module):
    """Tokens to scores; the last layer's weights are those of the first."""

    def __init__(self, vocabulary: int, context: int, width: int, depth: int, heads: int, way: str):
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(context, width)
        self.blocks = nn.ModuleList(Block(width, heads, context, way) for _ in range(depth))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))
