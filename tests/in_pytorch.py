"""The model and the main loop of min_char_rnn.py in PyTorch, which finds the gradients itself."""

from pathlib import Path

import torch
from torch import nn

hidden_size, seq_length, learning_rate, max_iters = 100, 25, 1e-1, 2000
data = (Path(__file__).parents[1] / "input.txt").read_text(encoding="utf-8")
chars = sorted(set(data))
vocab_size, char_to_ix = len(chars), {ch: i for i, ch in enumerate(chars)}


def lossFun(rnn, output, inputs, targets, hprev):
    """Returns the loss and the last state; the parameters keep their clipped gradients."""
    xs = nn.functional.one_hot(torch.tensor(inputs), rnn.input_size).to(hprev.dtype)
    hs, h = rnn(xs, hprev)  # hs has a row for each time step; hprev and h are one row
    loss = nn.functional.cross_entropy(output(hs), torch.tensor(targets), reduction="sum")
    loss.backward()  # autograd: the whole backward pass
    nn.utils.clip_grad_value_([*rnn.parameters(), *output.parameters()], 5)
    return loss.item(), h.detach()  # detached: no gradient comes back from the next window


def loss_and_gradients(inputs, targets, hprev, Wxh, Whh, Why, bh, by):
    """Takes and returns NumPy arrays as in step_by_step.py: the tests hold lossFun against it."""
    rnn, output = nn.RNN(*Wxh.T.shape).double(), nn.Linear(*Why.T.shape).double()
    params = [rnn.weight_ih_l0, rnn.weight_hh_l0, output.weight, rnn.bias_ih_l0, output.bias]
    for param, w in zip([*params, rnn.bias_hh_l0], [Wxh, Whh, Why, bh, by, 0 * bh]):
        param.data = torch.tensor(w).double().reshape(param.shape)
    loss, h = lossFun(rnn, output, inputs, targets, torch.tensor(hprev.T).double())
    return loss, *[w.grad.reshape(len(w), -1).numpy() for w in params], h.numpy().T


def train():
    """The main loop, in the order of the script."""
    rnn, output = nn.RNN(vocab_size, hidden_size), nn.Linear(hidden_size, vocab_size)
    rnn.bias_hh_l0.requires_grad = False  # a second bh, which stays zero
    params = [*rnn.parameters(), *output.parameters()]
    for param in params:
        nn.init.normal_(param, std=0.01 if param.dim() == 2 else 0)
    optimizer = torch.optim.Adagrad(params, lr=learning_rate, eps=1e-8)  # eps outside the root
    p, smooth_loss = 0, -torch.tensor(1.0 / vocab_size).log().item() * seq_length
    for n in range(max_iters):
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev, p = torch.zeros(1, hidden_size), 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]
        optimizer.zero_grad()  # backward() adds to what is there
        loss, hprev = lossFun(rnn, output, inputs, targets, hprev)
        smooth_loss = smooth_loss * 0.999 + loss * 0.001
        if n % 100 == 0:
            print(f"iter {n}, loss: {smooth_loss:f}")
        optimizer.step()
        p += seq_length


if __name__ == "__main__":
    torch.set_num_threads(1)  # more help only with larger models
    train()
