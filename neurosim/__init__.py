"""neurosim: learning on neuromorphic hardware, simulated."""
