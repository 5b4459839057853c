"""Contact eligibility: may this customer be contacted, by this channel, for this purpose, now?

`question` holds what is asked and answered, `rules` the rules (pure), `facts` reads what they need for many customers
at once, `freshness` tells which departments were not read, `ask` puts them together, `leaks` looks back.
docs/eligibility.md tells the rules.
"""
