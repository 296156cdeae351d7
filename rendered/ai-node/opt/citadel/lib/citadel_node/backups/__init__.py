"""Backups of the node: model archives, configuration archives, their catalogue, retention and checks.

What other programs may use: `configs.list_config_backups`, `configs.restore_config_backup`, `configs.backup_configs`
and `metadata.read`. See docs/node/backups.md.
"""
