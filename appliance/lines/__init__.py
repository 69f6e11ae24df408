"""Lines: trunks and which business a number belongs to.

Owns: ``trunks``, reading ``numbers`` and ``trunk_states``. Leaves out: registering and dialling (switch), the order in
which lines are tried (flows), writing a business's numbers (businesses).
"""
