"""The edge to mail servers and to other people's web servers: it takes notices there."""
