"""The parts of the conformance runner."""
