"""What a config.json says of rotary embeddings: angles per token, or an error for what is not computed here."""

import math

import torch


def rope_of(config):
    """`rope_parameters` (transformers 5), or `rope_theta` with `rope_scaling` (before it)."""
    given = config.get("rope_parameters")
    if given is not None:
        return given
    if "rope_theta" not in config:
        raise SystemExit("the config must have 'rope_parameters' or 'rope_theta', got neither")
    return {"rope_theta": config["rope_theta"], **(config.get("rope_scaling") or {})}


def frequencies(config, size):
    """Of a head of `size`: [size / 2], in float64."""
    rope = rope_of(config)
    kind = rope.get("rope_type", rope.get("type", "default"))
    plain = rope["rope_theta"] ** -(torch.arange(0, size, 2, dtype=torch.float64) / size)
    if kind == "default":
        return plain
    if kind == "llama3":
        return llama3(plain, rope)
    raise SystemExit(f"the config's RoPE must be of type default or llama3 here, got '{kind}'")


def llama3(plain, rope):
    """Long waves are stretched by the factor, short ones stay, those between are mixed (Llama 3.1)."""
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    waves = rope["original_max_position_embeddings"] * plain / (2 * math.pi)
    share = ((waves - low) / (high - low)).clamp(0, 1)
    return share * plain + (1 - share) * plain / rope["factor"]
