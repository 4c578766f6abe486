"""What customers and other systems are told: its words, its signature, and when it is tried again.

A notice goes to one target by one way. A mail is for the customer, at its own address; a webhook
is for the provider's own systems, which hear of every customer. Each is kept until it has arrived,
and may arrive twice: whoever must not act twice looks at its id.
"""
