"""What the embedded models are asked to do: prompts for the host, settings of the sampler, and how well it went."""
