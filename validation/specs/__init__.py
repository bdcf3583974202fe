"""What an SSD must look like: contracts, variants and input statistics."""
