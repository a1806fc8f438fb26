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


def learn(rnn, cut, max_iters):
    """Trains on the characters before the cut only."""
    text = rnn.data
    rnn.data = text[:cut]
    rnn.max_iters = max_iters
    rnn.checkpoint = None
    with redirect_stdout(StringIO()):
        rnn.train()
    rnn.data = text


def network_bits(rnn, cut):
    """Bits per character behind the cut, for a network that has read what is before it."""
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data]
    h = rnn.bh * 0
    for part in ixs[:cut], ixs[cut - 1 :]:  # the second begins with the last before the cut
        loss = 0.0
        for p in range(0, len(part) - 1, rnn.seq_length):
            window = part[p : p + rnn.seq_length + 1]  # the last one may be shorter
            window_loss, *_, h = rnn.lossFun(window[:-1], window[1:], h)
            loss += window_loss
    return loss / (len(ixs) - cut) / log(2)


def counting_bits(rnn, cut):
    """Bits per character behind the cut, from counts of what followed the last 0 to 4.

    The guess from only k - 1 characters counts like five sightings, so that it decides
    where the k before are rare."""
    ixs = [rnn.char_to_ix[ch] for ch in rnn.data]
    guesses = [1 / rnn.vocab_size] * (len(ixs) - cut)  # nothing counted yet: all alike
    bits = []
    for k in range(5):
        seen = Counter(tuple(ixs[i - k : i]) for i in range(k, cut))
        then = Counter(tuple(ixs[i - k : i + 1]) for i in range(k, cut))
        for j, i in enumerate(range(cut, len(ixs))):
            before = tuple(ixs[i - k : i])
            with_next = tuple(ixs[i - k : i + 1])
            guesses[j] = (then[with_next] + 5 * guesses[j]) / (seen[before] + 5)
        bits.append(-sum(log2(guess) for guess in guesses) / len(guesses))
    return bits


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import min_char_rnn as rnn

    max_iters = int(sys.argv[1]) if sys.argv[1:] else 20000
    cut = rnn.data_size * 9 // 10
    learn(rnn, cut, max_iters)
    print(f"network after {max_iters}: {network_bits(rnn, cut):.2f}")
    for k, bits in enumerate(counting_bits(rnn, cut)):
        print(f"counts after {k} characters: {bits:.2f}")
