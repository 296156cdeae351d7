"""What tests of the node's programs share."""
