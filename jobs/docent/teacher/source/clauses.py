"""Where an English clause has its verb, as far as its neighbours tell: `the belt wears on one side`, `and leaves it`.

For the offline teacher's topics, which are things and not what things do. Reads and writes nothing.
"""

from __future__ import annotations
