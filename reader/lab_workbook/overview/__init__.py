"""
All experiments at a glance: one row each, of facts and parameters.

`listing` sorts what the store lists by experiment, `facts` opens those that the `catalogue` does not
know yet, `rows` puts both together, and `frame` makes a table of it, in which `select` finds.
"""
