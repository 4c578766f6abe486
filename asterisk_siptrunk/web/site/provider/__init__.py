"""The provider's own pages.

Their forms ask for `Right.SEE_ALL` where support may help a customer, and for `Right.RUN` else:
`Right.MANAGE` is what customers' admins have too, of their own things.
"""
