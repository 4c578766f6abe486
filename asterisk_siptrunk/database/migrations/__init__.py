"""Migrations of the database, run by `siptrunk init` and nothing else."""
