"""The training of configs/digits.yaml, written for PyTorch: python digits_torch.py DIGITS.csv.gz"""

import sys

import numpy as np
import torch

table = np.loadtxt(sys.argv[1], delimiter=",", skiprows=1, dtype=np.float32)
table = table[np.random.default_rng(0).permutation(len(table))]
held_out = round(0.15 * len(table))
inputs, labels = torch.from_numpy(table[:, :-1]), torch.from_numpy(table[:, -1]).long()
train, validation, test = slice(2 * held_out, None), slice(held_out), slice(held_out, 2 * held_out)
spread, mean = torch.std_mean(inputs[train], dim=0)
inputs = (inputs - mean) / torch.where(spread > 0, spread, 1)

model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Dropout(0.2), torch.nn.Linear(128, 10))
loss = torch.nn.CrossEntropyLoss()
optimizer = torch.optim.Adam(model.parameters(), lr=0.002)
x, y = inputs[train], labels[train]
steps = -(-len(x) // 32)
schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60 * steps)
best, weights = float("inf"), model.state_dict()
for _ in range(60):
    model.train()
    for rows in torch.randperm(len(x)).split(32):
        optimizer.zero_grad()
        loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
        schedule.step()
    model.eval()
    with torch.no_grad():
        seen = loss(model(inputs[validation]), labels[validation]).item()
    if seen < best:
        best, weights = seen, {name: value.clone() for name, value in model.state_dict().items()}
model.load_state_dict(weights)
with torch.no_grad():
    right = model(inputs[test]).argmax(1) == labels[test]
print(f"test accuracy {right.float().mean():.4f}")
