"""The training-free methods: what one is, the rows of numbers, and a file for each that is more than a row."""
