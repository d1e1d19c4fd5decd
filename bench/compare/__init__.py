"""Other matchers on the instances that the `peers` binary writes."""
