"""citadel-deploy: bringing the node up step by step."""
