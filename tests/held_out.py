"""The network against counting, in bits per character on text that neither has learnt from.

Learns from nine tenths of the text, with the script's settings, and measures on the last
tenth; a number after the command sets the iterations. Nothing is saved. Start it where
you start the script, whose paths are relative to that folder."""

import sys
from collections import Counter
from contextlib import redirect_stdout
from io import StringIO
from math import log, log2
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
import min_char_rnn as rnn

ixs = [rnn.char_to_ix[ch] for ch in rnn.data]
cut = len(ixs) * 9 // 10

rnn.data = rnn.data[:cut]
rnn.max_iters = int(sys.argv[1]) if sys.argv[1:] else 20000
rnn.checkpoint = None
with redirect_stdout(StringIO()):  # no samples
    rnn.train()
loss = 0.0
h = rnn.np.zeros_like(rnn.bh)  # nothing has been read
for p in range(cut, len(ixs) - 1, rnn.seq_length):
    window = ixs[p : p + rnn.seq_length + 1]  # the last one may be shorter
    window_loss, *_, h = rnn.lossFun(window[:-1], window[1:], h)
    loss += window_loss
print(f"network after {rnn.max_iters}: {loss / (len(ixs) - cut - 1) / log(2):.2f}")

# Counting: how often did each character follow the k characters before it? The guess from
# only k - 1 of them counts like five sightings, so it decides where the k are rare.
guesses = [1 / rnn.vocab_size] * (len(ixs) - cut)  # nothing counted yet: all alike
for k in range(5):
    seen = Counter(tuple(ixs[i - k : i]) for i in range(k, cut))
    then = Counter(tuple(ixs[i - k : i + 1]) for i in range(k, cut))
    for j, i in enumerate(range(cut, len(ixs))):
        before = tuple(ixs[i - k : i])
        with_next = tuple(ixs[i - k : i + 1])
        guesses[j] = (then[with_next] + 5 * guesses[j]) / (seen[before] + 5)
    bits = -sum(log2(guess) for guess in guesses) / len(guesses)
    print(f"counts after {k} characters: {bits:.2f}")
