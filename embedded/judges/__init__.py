"""Networks that only measure: tests and benchmarks use them, guidance never sees them."""
