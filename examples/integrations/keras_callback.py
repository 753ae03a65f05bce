"""
Record a training by Keras 3, here on PyTorch.
"""

import os

os.environ.setdefault("KERAS_BACKEND", "torch")

import keras
import numpy as np
from lab_workbook_writer.integrations.keras import LabWorkbookCallback


def main() -> None:
    inputs = np.linspace(-1, 1, 64).reshape(-1, 1)
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(optimizer=keras.optimizers.SGD(0.1), loss="mse", metrics=["mae"])
    recorder = LabWorkbookCallback(every_batches=4, note="a line")
    model.fit(
        inputs,
        2 * inputs + 1,
        epochs=3,
        batch_size=8,
        validation_split=0.25,
        callbacks=[recorder],
        verbose=0,
    )
    model.evaluate(inputs, 2 * inputs + 1, callbacks=[recorder], verbose=0)


if __name__ == "__main__":
    main()
