"""
A script that records texts in one place of an experiment: ``record.py PLACE FILE``; FILE has a list of texts.

What stands in the environment and on the command line was put there by whoever starts it.
"""

import json
import sys

import lab_workbook


def _raise(message):
    raise RuntimeError(message)


def fail(texts):
    """Each exception has as many texts as its message may be long."""
    message = []
    for text in [*texts, None]:
        if text is None or sum(map(len, message)) + len(text) > 1500:
            try:
                with lab_workbook.new_experiment():
                    _raise("\n".join(message))
            except RuntimeError:
                message = []
        message.append(text)


def add_series(workbook, texts):
    """Texts as the names of fields, and as the cells of a field that is named like a secret."""
    workbook.new_time_series_log("fields", list(dict.fromkeys(texts)))
    log = workbook.new_time_series_log("cells", ["step", "password"])
    for step, text in enumerate(texts):
        log(step=step, password=text)


def add_metrics(workbook, texts):
    """More sets of keys than there are series, so that names become cells."""
    for text in texts:
        workbook.log({text: 1, "api_key": text})


PLACES = {
    "JSON values": lambda workbook, texts: workbook.save_json(
        "values", {"texts": texts, "deep": [{"a": texts}]}
    ),
    "JSON keys": lambda workbook, texts: workbook.save_json("keys", {"deep": dict.fromkeys(texts, 1)}),
    "series": add_series,
    "metrics": add_metrics,
    "environment": lambda workbook, _: workbook.save_environment(),
    "command": lambda workbook, _: workbook.save_environment(),
    "source": lambda workbook, _: workbook.save_git_status(),
}


def main(place, path):
    """Record the texts of a file."""
    with open(path) as file:
        texts = json.load(file)
    if place == "errors":
        fail(texts)
    elif place == "note":
        lab_workbook.new_experiment(note="\n".join(texts)).close()
    elif place == "later notes":
        tag = lab_workbook.new_experiment()
        tag.close()
        for start in range(0, len(texts), 20):
            lab_workbook.ExperimentRepository()[-1].add_note(
                "\n".join(texts[start : start + 20]), author=texts[start]
            )
    elif place == "output":
        with lab_workbook.new_experiment(capture_output=True):
            for text in texts:
                sys.stdout.write(f"{text}\n")
                sys.stderr.write(f"{text}\n")
    else:
        with lab_workbook.new_experiment() as workbook:
            PLACES[place](workbook, texts)


main(*sys.argv[1:3])
