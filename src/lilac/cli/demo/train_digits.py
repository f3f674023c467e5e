"""Train a small neural network on handwritten digits, and say how it goes.

The 1,797 scans of 8 x 8 pixels come with scikit-learn, so nothing is downloaded. A quarter is held out and never
trained on; the accuracy that is printed at the end is the one reached on it. Runs anywhere: needs nothing of Lilac.
"""

from __future__ import annotations

import argparse
import os
import sys
import time


def main() -> int:
    parser = argparse.ArgumentParser(description="Train on handwritten digits.")
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--at-least", type=float, default=0.95, help="held-out accuracy below this is a failure")
    options = parser.parse_args()

    say(f"training on {os.uname().nodename}, process {os.getpid()}")
    import numpy
    from sklearn.datasets import load_digits
    from sklearn.metrics import accuracy_score
    from sklearn.model_selection import train_test_split
    from sklearn.neural_network import MLPClassifier

    pixels, digits = load_digits(return_X_y=True)
    train_x, test_x, train_y, test_y = train_test_split(
        pixels / 16.0, digits, test_size=0.25, random_state=options.seed, stratify=digits
    )
    say(f"{len(train_x)} digits to train on, {len(test_x)} held out")

    model = MLPClassifier(hidden_layer_sizes=(256, 128), learning_rate_init=1e-3, random_state=options.seed)
    shuffled = numpy.random.default_rng(options.seed)
    classes = numpy.arange(10)
    for epoch in range(1, options.epochs + 1):
        begin = time.perf_counter()
        losses: list[float] = []
        order = shuffled.permutation(len(train_x))
        for at in range(0, len(order), options.batch):
            rows = order[at : at + options.batch]
            model.partial_fit(train_x[rows], train_y[rows], classes=classes)
            losses.append(model.loss_)
        took_ms = (time.perf_counter() - begin) * 1000
        say(f"epoch {epoch:2}/{options.epochs}  loss {sum(losses) / len(losses):.4f}  {took_ms:4.0f} ms")

    accuracy = accuracy_score(test_y, model.predict(test_x))
    right = round(accuracy * len(test_y))
    say(f"held-out accuracy: {accuracy:.3f} ({right} of {len(test_y)} digits right)")
    return 0 if accuracy >= options.at_least else 1


def say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
