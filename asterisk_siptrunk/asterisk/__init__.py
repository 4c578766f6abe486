"""The edge to Asterisk: AGI, AMI, the call journal, and the names of dialplan variables."""
