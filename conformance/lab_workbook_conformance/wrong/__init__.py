"""
A small writer and a small reader that are right, and many that are wrong in one thing each.

The right ones are written from SPEC.md alone, in plain Python, and are short enough to be read in one go;
whoever starts one in another language can begin here. The wrong ones test the kit: each breaks one rule, and
the kit has to name that rule and no other.

  python -m lab_workbook_conformance.wrong                    the right one, as an adapter
  python -m lab_workbook_conformance.wrong series.date-2      one that writes milliseconds

  errors     what is refused                    writer     what a script calls
  names      tags and names of artifacts        store      where its files go
  spelling   cells and JSON                     parsing    rows and values of a series
  settings   configuration and prefix           reader     what there is, and what it says
  process    who runs, and does it still        exits      scripts that close nothing
  values     what JSON has no spelling for      git        the state of the source
  table      the wrong ones, by name            wrong_*    and what each does instead
  player     the adapter: steps in, answers out

It imports nothing of lab-workbook, and of the kit nothing but its constants.
"""
