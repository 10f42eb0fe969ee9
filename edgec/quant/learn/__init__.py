"""Learning with gradients, in torch: weights that a form can hold, and fine-tuning of quantized models."""
