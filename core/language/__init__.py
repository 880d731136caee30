"""The condition language of `where`, `audience`, `only_if` and segments.

text --parse--> Condition (a closed typed tree) --compile_closure--> a function of a customer's Facts
                                                --storage.conditions--> SQL for counting, with the same
                                                meaning

tokens, parser, functions, literals read; tree and condition are what is read; closures and words answer.
"""

from core.language.closures import compile_closure
from core.language.condition import Condition, ConditionNeeds, all_needs, inlined
from core.language.errors import ConditionError
from core.language.facts import Facts, Happened
from core.language.fields import CUSTOMER_FIELDS, KNOWN_PROPERTIES, REACTIONS, ConditionContext
from core.language.functions import FUNCTIONS
from core.language.parser import parse
from core.language.words import ConditionClause, explain

__all__ = [
    "CUSTOMER_FIELDS",
    "FUNCTIONS",
    "KNOWN_PROPERTIES",
    "REACTIONS",
    "Condition",
    "ConditionClause",
    "ConditionContext",
    "ConditionError",
    "ConditionNeeds",
    "Facts",
    "Happened",
    "all_needs",
    "compile_closure",
    "explain",
    "inlined",
    "parse",
]
