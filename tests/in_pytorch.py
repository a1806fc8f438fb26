"""The model and main loop of min_char_rnn.py in PyTorch, which finds gradients itself."""

import sys
from pathlib import Path

import torch
from torch import nn


def network(Wxh, Whh, Why, bh, by):
    """Returns the two layers with these parameters, and the parameters as a list."""
    rnn = nn.RNN(Wxh.shape[1], Wxh.shape[0], dtype=Wxh.dtype)
    out = nn.Linear(Why.shape[1], Why.shape[0], dtype=Wxh.dtype)
    nn.init.zeros_(rnn.bias_hh_l0).requires_grad = False  # a second bh, which stays zero
    params = [rnn.weight_ih_l0, rnn.weight_hh_l0, out.weight, rnn.bias_ih_l0, out.bias]
    for param, value in zip(params, [Wxh, Whh, Why, bh, by]):
        param.data = value.reshape(param.shape).clone()
    return rnn, out, params


def lossFun(rnn, out, inputs, targets, hprev):
    """Returns the loss and the last state; the parameters keep their clipped gradients."""
    xs = nn.functional.one_hot(torch.tensor(inputs), rnn.input_size).to(hprev.dtype)
    hs, h = rnn(xs, hprev)  # hs has a row for each time step; hprev and h are one row
    loss = nn.functional.cross_entropy(out(hs), torch.tensor(targets), reduction="sum")
    loss.backward()  # autograd: the whole backward pass
    nn.utils.clip_grad_value_([*rnn.parameters(), *out.parameters()], 5)
    return loss.item(), h.detach()  # detached: no gradient comes back from the next window


def loss_and_gradients(inputs, targets, hprev, *values):
    """Takes and returns NumPy arrays as in step_by_step.py: the tests compare them."""
    rnn, out, params = network(*[torch.tensor(value) for value in values])
    loss, h = lossFun(rnn, out, inputs, targets, torch.tensor(hprev.T))
    gradients = [param.grad.reshape(len(param), -1).numpy() for param in params]
    return loss, *gradients, h.numpy().T


def train(script, max_iters):
    """The main loop, with the text, settings and weights of the imported script.

    Returns the loss of each iteration."""
    values = [script.Wxh, script.Whh, script.Why, script.bh, script.by]
    rnn, out, params = network(*[torch.tensor(value) for value in values])
    optimizer = torch.optim.Adagrad(  # which adds eps outside the root
        params,
        script.learning_rate,
        initial_accumulator_value=script.adagrad_start,
        eps=1e-8,
    )
    data, char_to_ix, seq_length = script.data, script.char_to_ix, script.seq_length
    losses = []
    p = 0
    for n in range(max_iters):
        if p + seq_length + 1 >= len(data) or n == 0:
            hprev = torch.zeros_like(params[3])[None]
            p = 0
        inputs = [char_to_ix[ch] for ch in data[p : p + seq_length]]
        targets = [char_to_ix[ch] for ch in data[p + 1 : p + seq_length + 1]]
        optimizer.zero_grad()  # backward() adds to what is there
        loss, hprev = lossFun(rnn, out, inputs, targets, hprev)
        optimizer.step()
        losses.append(loss)
        p += seq_length
    return losses


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    import min_char_rnn

    torch.set_num_threads(1)  # more help only with larger models
    losses = train(min_char_rnn, 2000)
    print(f"mean of the last 100 losses: {sum(losses[-100:]) / 100:f}")
