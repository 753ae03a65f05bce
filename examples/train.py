"""
Train a small network on handwritten digits, and record everything about it.

    python examples/train.py [epochs]

The model is written out by hand; the lines with ``workbook`` are all that recording costs.
examples/train.lua is the same program in Lua.
"""

import os
import sys

import lab_workbook
import numpy as np

here = os.path.dirname(os.path.abspath(__file__))

parameters = {
    "script": "train.py",
    "hidden": 24,
    "learningRate": 0.05,
    "momentum": 0.9,
    "batchSize": 32,
    "epochs": int(sys.argv[1]) if len(sys.argv) > 1 else 20,
    "heldOut": 450,
    "seed": 1,
}
random = np.random.default_rng(parameters["seed"])


class Layer:
    """Weights and a velocity. The last row of each is the bias."""

    def __init__(self, inputs, outputs):
        scale = np.sqrt(3 / inputs)
        self.weights = random.uniform(-scale, scale, (inputs + 1, outputs))
        self.velocity = np.zeros_like(self.weights)

    def forward(self, batch):
        """Return what the layer makes of a batch."""
        return batch @ self.weights[:-1] + self.weights[-1]

    def step(self, batch, slope):
        """Take a step with momentum, and return the square of the gradient's length."""
        gradient = np.vstack([batch.T @ slope, slope.sum(axis=0)]) / len(batch)
        self.velocity = parameters["momentum"] * self.velocity - parameters["learningRate"] * gradient
        self.weights += self.velocity
        return (gradient**2).sum()


def predict(pixels):
    """Return the probabilities of the ten digits, and what the hidden layer made of the pixels."""
    activity = np.maximum(0, hidden.forward(pixels))
    scores = output.forward(activity)
    probabilities = np.exp(scores - scores.max(axis=1, keepdims=True))
    return probabilities / probabilities.sum(axis=1, keepdims=True), activity


def mean_loss(probabilities, labels):
    """Return the mean negative logarithm of the right digits' probabilities."""
    return -np.log(probabilities[np.arange(len(labels)), labels]).mean()


def learn(pixels, labels):
    """Learn from a batch, and return its loss and the length of its gradient."""
    probabilities, activity = predict(pixels)
    slope = probabilities - np.eye(10)[labels]
    hidden_slope = (slope @ output.weights[:-1].T) * (activity > 0)
    square = hidden.step(pixels, hidden_slope) + output.step(activity, slope)
    return mean_loss(probabilities, labels), np.sqrt(square)


digits = np.loadtxt(os.path.join(here, "data", "digits.csv"), delimiter=",", dtype=int)
pixels, labels = digits[:, :-1] / 16, digits[:, -1]
training = np.arange(len(digits) - parameters["heldOut"])
testing = np.arange(len(training), len(digits))
hidden, output = Layer(64, parameters["hidden"]), Layer(parameters["hidden"], 10)

with lab_workbook.new_experiment(note="lab-workbook demo") as workbook:
    workbook.save_json("parameters", parameters)
    workbook.save_git_status()
    loss_log = workbook.new_time_series_log(
        "Training loss", ["epoch", "loss", "gradientNorm"], save_every=100
    )
    error_log = workbook.new_time_series_log("Testing error", ["epoch", "error", "loss"])

    batch_size = parameters["batchSize"]
    batches = len(training) // batch_size
    for epoch in range(1, parameters["epochs"] + 1):
        random.shuffle(training)
        for batch in range(1, batches + 1):
            chosen = training[(batch - 1) * batch_size : batch * batch_size]
            loss, gradient_norm = learn(pixels[chosen], labels[chosen])
            loss_log(epoch=epoch - 1 + batch / batches, loss=loss, gradientNorm=gradient_norm)
        probabilities, _ = predict(pixels[testing])
        error = (probabilities.argmax(axis=1) != labels[testing]).mean()
        error_log(epoch=epoch, error=error, loss=mean_loss(probabilities, labels[testing]))
        print(f"epoch {epoch:2d}  testing error {error:.1%}")

    workbook.save_json("model", {"hidden": hidden.weights.T.tolist(), "output": output.weights.T.tolist()})
    workbook.save_text("summary.txt", f"{error:.4f} of {len(testing)} held-out digits taken for another\n")
