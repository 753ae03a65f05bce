"""
Record a training by the Trainer of transformers: a BERT of a few thousand weights, which needs no download.
"""

import torch
from lab_workbook_writer.integrations.transformers import LabWorkbookCallback
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments


def sentences(count: int) -> list[dict[str, torch.Tensor]]:
    """Return sentences of random words; a sentence is of the class of its first word."""
    words = torch.randint(0, 32, (count, 8), generator=torch.Generator().manual_seed(1))
    return [{"input_ids": each, "labels": each[0] % 2} for each in words]


def main() -> None:
    config = BertConfig(
        vocab_size=32, hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
    )
    arguments = TrainingArguments(
        output_dir="trained",
        max_steps=20,
        logging_steps=5,
        eval_strategy="steps",
        eval_steps=10,
        save_steps=20,
        per_device_train_batch_size=8,
        use_cpu=True,
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=BertForSequenceClassification(config),
        args=arguments,
        train_dataset=sentences(64),
        eval_dataset=sentences(16),
        callbacks=[LabWorkbookCallback(checkpoints=True, note="the first word")],
    )
    trainer.train()
    trainer.predict(sentences(8))


if __name__ == "__main__":
    main()
