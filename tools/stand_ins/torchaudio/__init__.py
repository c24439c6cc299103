"""An empty torchaudio, where no build of it fits the torch at hand: newer hosts import it before anything else."""
