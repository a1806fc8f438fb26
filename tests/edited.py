"""The script's source with other settings, for the tests and the benchmark."""

import re
from pathlib import Path

SCRIPT = Path(__file__).parent.parent / "min_char_rnn.py"


def edited_source(settings):
    """The source with some of its settings changed, as a user would change the lines."""
    source = SCRIPT.read_text(encoding="utf-8")
    for name, value in settings.items():
        if isinstance(value, type):
            code = f"np.{value.__name__}"
        else:
            code = f"float('{value}')" if isinstance(value, float) else repr(value)
        source, found = re.subn(rf"(?m)^{name} = .*$", lambda _, c=f"{name} = {code}": c, source)
        assert found == 1, f"the script has no line of its own for {name}"
    return source
