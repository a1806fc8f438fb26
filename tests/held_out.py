"""The network against counting, in bits per character on text that neither has learnt from.

Learns from nine tenths of the text, with the script's settings, and measures on the last
tenth; a number behind the command is that of iterations. Nothing is saved."""

import sys
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from math import log, log2
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))
import min_char_rnn as rnn

ixs = [rnn.char_to_ix[ch] for ch in rnn.data]
cut = len(ixs) * 9 // 10

rnn.data = rnn.data[:cut]
rnn.max_iters = int(sys.argv[1]) if sys.argv[1:] else 20000
rnn.checkpoint = None
with redirect_stdout(StringIO()):  # no samples
    rnn.train()
loss = rnn.lossFun(ixs[cut:-1], ixs[cut + 1 :], 0 * rnn.bh)[0]  # from an empty state
print(f"network after {rnn.max_iters}: {loss / (len(ixs) - cut - 1) / log(2):.2f}")

# Counting: how often did each character follow these k? The guess of the k - 1 before it is
# mixed in, and weighs as much as five sightings: it decides where these k are rare.
ps = [1 / rnn.vocab_size] * (len(ixs) - cut)  # nothing counted yet: all characters alike
for k in range(5):
    seen = Counter(tuple(ixs[i - k : i]) for i in range(k, cut))
    then = Counter(tuple(ixs[i - k : i + 1]) for i in range(k, cut))
    for j, i in enumerate(range(cut, len(ixs))):
        before, with_next = tuple(ixs[i - k : i]), tuple(ixs[i - k : i + 1])
        ps[j] = (then[with_next] + 5 * ps[j]) / (seen[before] + 5)
    print(f"counts after {k} characters: {-sum(map(log2, ps)) / len(ps):.2f}")
