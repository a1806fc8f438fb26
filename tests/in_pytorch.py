"""The model and main loop of min_char_rnn.py in PyTorch, which finds gradients itself."""

from pathlib import Path

import torch
from torch import nn

hidden_size, seq_length, learning_rate, max_iters = 100, 25, 1e-1, 2000
data = (Path(__file__).parents[1] / "input.txt").read_text(encoding="utf-8")
chars = sorted(set(data))
vocab_size, char_to_ix = len(chars), {ch: i for i, ch in enumerate(chars)}


def network(Wxh, Whh, Why, bh, by):
    """Returns the two layers with these parameters, and the parameters as a list."""
    rnn = nn.RNN(*Wxh.T.shape, dtype=Wxh.dtype)
    out = nn.Linear(*Why.T.shape, dtype=Wxh.dtype)
    nn.init.zeros_(rnn.bias_hh_l0).requires_grad = False  # a second bh, which stays zero
    params = [rnn.weight_ih_l0, rnn.weight_hh_l0, out.weight, rnn.bias_ih_l0, out.bias]
    for param, weight in zip(params, [Wxh, Whh, Why, bh, by]):
        param.data = weight.reshape(param.shape).clone()
    return rnn, out, params


def lossFun(rnn, out, inputs, targets, hprev):
    """Returns the loss and the last state; the parameters keep their clipped gradients."""
    xs = nn.functional.one_hot(torch.tensor(inputs), rnn.input_size).to(hprev.dtype)
    hs, h = rnn(xs, hprev)  # hs has a row for each time step; hprev and h are one row
    loss = nn.functional.cross_entropy(out(hs), torch.tensor(targets), reduction="sum")
    loss.backward()  # autograd: the whole backward pass
    nn.utils.clip_grad_value_([*rnn.parameters(), *out.parameters()], 5)
    return loss.item(), h.detach()  # detached: no gradient comes back from the next window


def loss_and_gradients(inputs, targets, hprev, *weights):
    """Takes and returns NumPy arrays as in step_by_step.py: the tests compare them."""
    rnn, out, params = network(*map(torch.tensor, weights))
    loss, h = lossFun(rnn, out, inputs, targets, torch.tensor(hprev.T))
    return loss, *[w.grad.reshape(len(w), -1).numpy() for w in params], h.numpy().T


def train(weights=None):
    """The main loop, in the order of the script; from random weights or from these."""
    if weights is None:
        H, V = hidden_size, vocab_size
        scaled = [((H, V), 0.01), ((H, H), 0.01), ((V, H), 0.01), (H, 0), (V, 0)]
        weights = [scale * torch.randn(size) for size, scale in scaled]
    rnn, out, params = network(*map(torch.as_tensor, weights))
    optimizer = torch.optim.Adagrad(params, learning_rate, eps=1e-8)  # outside the root
    p, losses, smooth_loss = 0, [], torch.tensor(vocab_size).log().item() * seq_length
    for n in range(max_iters):
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev, p = torch.zeros(1, hidden_size, dtype=params[0].dtype), 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]
        optimizer.zero_grad()  # backward() adds to what is there
        loss, hprev = lossFun(rnn, out, inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        if n % 100 == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")
        optimizer.step()
        losses.append(loss)
        p += seq_length
    return losses


if __name__ == "__main__":
    torch.set_num_threads(1)  # more help only with larger models
    train()
