"""The API under `/api/v1`: JSON for programs, with the same services below it as pages have."""
