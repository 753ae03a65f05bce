"""What a script's user is told of deliveries: no more than is of use."""

import pytest
from lab_workbook_writer.news import News

TROUBLE = {"event": "trouble", "message": "no route"}
RECOVERED = {"event": "recovered"}


@pytest.fixture
def news():
    return News()


def test_trouble_is_told_once_and_so_is_its_end(news):
    """
    With the reason, and that nobody has to do anything.
    """
    news.hear(TROUBLE, now=10)
    told = [news.line(now=second) for second in range(10, 90)]
    news.hear(RECOVERED, now=90)
    told += [news.line(now=second) for second in range(90, 99)]

    assert [line for line in told if line] == [
        "nothing reaches the bucket just now (no route); training goes on, and it is tried again",
        "deliveries to the bucket work again",
    ]


def test_a_hiccup_is_not_worth_a_line(news):
    """
    Trouble that is over within two seconds was never there.
    """
    news.hear(TROUBLE, now=10)
    first = news.line(now=11.9)
    news.hear(RECOVERED, now=11.9)

    assert (first, news.line(now=12), news.line(now=60)) == (None, None, None)


def test_a_network_that_comes_and_goes_costs_two_lines_a_minute(news):
    """
    An outage that still lasts when the minute is over is told then.
    """
    told = []
    for second in range(0, 600, 10):
        news.hear(TROUBLE, now=second)
        told += [news.line(now=second + 5)]
        news.hear(RECOVERED, now=second + 6)
        told += [news.line(now=second + 6)]

    lines = [line for line in told if line]
    assert 10 <= len(lines) <= 20
    assert lines[::2] == [lines[0]] * (len(lines) // 2)
    assert lines[1::2] == ["deliveries to the bucket work again"] * (len(lines) // 2)


def test_what_was_said_in_other_words_is_not_said_again(news):
    """
    A claim without an answer has its own sentence; its end is told as that of any other trouble.
    """
    news.hear(TROUBLE, now=1)
    news.was_said(now=5)
    silent = [news.line(now=second) for second in range(5, 100)]
    news.hear({"event": "claimed"}, now=100)

    assert set(silent) == {None}
    assert news.line(now=100) == "deliveries to the bucket work again"


def test_a_claim_without_an_answer_is_not_reported_as_recovered(news):
    """
    The writer reported that nothing has arrived; the server has to answer before deliveries work again.
    """
    news.was_said(now=5)
    silent = [news.line(now=second) for second in range(5, 100)]
    news.hear(TROUBLE, now=100)
    silent += [news.line(now=second) for second in range(100, 200)]
    news.hear({"event": "claimed"}, now=200)

    assert set(silent) == {None}
    assert news.line(now=200) == "deliveries to the bucket work again"


def test_a_refusal_is_told_at_once(news):
    """
    Nothing will mend it by itself.
    """
    news.hear(TROUBLE, now=1)
    news.hear({"event": "refused", "reason": "taken", "message": "the tag is taken"}, now=2)

    assert news.line(now=2) == (
        "nothing will reach the bucket any more (the tag is taken); training goes on, the spool is kept"
    )
    assert news.line(now=90) is None
