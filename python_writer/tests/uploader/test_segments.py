"""
The plan of segments and refreshes: what it costs and what a reader needs, for publications of any size.
"""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lab_workbook.protocol import segments
from lab_workbook.protocol.segments import Segment
from lab_workbook_writer.uploader.segments import Trail

# The shortest row of a series that has a field is `1,2016-02-12T22:17:34Z` and a line feed.
SHORTEST_ROW = 23


def publications(longest=100_000):
    """How many bytes each publication adds: few or many, all alike or every one different."""
    sizes = st.integers(SHORTEST_ROW, longest)
    alike = st.tuples(sizes, st.integers(1, 700)).map(lambda args: [args[0]] * args[1])
    growing = st.integers(1, 400).map(lambda count: [SHORTEST_ROW + number**2 for number in range(count)])
    different = st.lists(sizes, min_size=1, max_size=300)
    return st.lists(alike | growing | different, min_size=1, max_size=3).map(
        lambda parts: list(itertools.chain(*parts))
    )


def play(sizes):
    """Publish and refresh as the plan says, with nothing going wrong; yields the trail after each step."""
    trail, end, cost = Trail("loss.csv"), 0, 0
    for size in sizes:
        end += size
        segment = trail.publish(end)
        trail.delivered(segment)
        cost += segment.size
        refresh = trail.refresh
        if refresh is not None:
            trail.sending(refresh)
            trail.sent(refresh)
            cost += refresh
        yield trail, segment, cost


def chain(position, listed):
    """The segments that a reader gets from a byte on: of those that start there, the furthest, and so on."""
    found = []
    listed = [each for each in listed if each.end > position]
    while ahead := [each for each in listed if each.start <= position < each.end]:
        found.append(max(ahead, key=lambda each: each.end))
        position = found[-1].end
    return position, found


@settings(deadline=None)
@given(publications())
def test_a_series_costs_at_most_eight_times_its_size_and_three_megabytes(sizes):
    """
    However the rows are cut into publications, and with the artifact sent whole at the end.
    """
    *_, (trail, _, cost) = play(sizes)

    size = trail.end
    cost += size if trail.refreshed < size else 0
    assert cost <= 8 * size + 3_000_000


@pytest.mark.parametrize("row", [SHORTEST_ROW, 46, 5000])
def test_a_hundred_and_eighty_thousand_publications_cost_as_much_as_promised(row):
    """
    The size of the series in the README, published at each row.
    """
    *_, (trail, _, cost) = play([row] * 180_801)

    assert cost + trail.end <= 8 * trail.end + 3_000_000


@settings(deadline=None, max_examples=50)
@given(publications())
def test_a_reader_gets_every_row_from_the_artifact_and_few_segments(sizes):
    """
    What is superseded is never needed: it may be gone, or still be there.
    """
    there, gone = [], set()
    for number, (trail, segment, _) in enumerate(play(sizes), 1):
        there.append(segment)
        gone.update(trail.take_superseded())
        if number % 97 and number != len(sizes):
            continue
        for listed in (there, [each for each in there if each not in gone]):
            reach, read = chain(trail.refreshed, listed)
            assert reach == trail.end
            assert len(read) <= 63


@pytest.mark.parametrize("count", [9_999, 10_000, 65_535])
def test_after_ten_thousand_publications_a_reader_needs_at_most_64_objects(count):
    trail, there = Trail("loss.csv"), []
    for number in range(1, count + 1):
        segment = trail.publish(number * 40)
        trail.delivered(segment)
        there.append(segment)

    gone = set(trail.take_superseded())
    reach, read = chain(0, [each for each in there if each not in gone])

    # Without the artifact, as in a bucket that refuses overwrites.
    assert reach == trail.end
    assert len(read) <= 63


def test_each_segment_holds_as_many_publications_as_sixteen_divides_its_number():
    trail = Trail("loss.csv")
    lengths = []
    for number in range(1, 513):
        segment = trail.publish(number)
        trail.delivered(segment)
        lengths.append(segment.size)

    assert lengths[:17] == [1] * 15 + [16, 1]
    assert lengths[255] == lengths[511] == 256
    assert lengths[239] == lengths[271] == 16


@settings(deadline=None, max_examples=50)
@given(sizes=publications(1000), lost=st.sets(st.integers(0, 300)), data=st.data())
def test_segments_are_kept_where_an_older_artifact_may_come_back(sizes, lost, data):
    """
    A refresh that was given up on may land at any later time, and readers still find every row.
    """
    trail, end, landing = Trail("loss.csv"), 0, []
    there = []
    for number, size in enumerate(sizes[:300]):
        end += size
        segment = trail.publish(end)
        trail.delivered(segment)
        there.append(segment)
        refresh = trail.refresh
        if refresh is not None:
            trail.sending(refresh)
            if number in lost:
                landing.append(refresh)
            else:
                trail.sent(refresh)
        gone = trail.take_superseded()
        there = [each for each in there if each not in gone]
        artifact = data.draw(st.sampled_from([trail.refreshed, *landing])) if landing else trail.refreshed

        assert chain(artifact, there)[0] == end


def test_a_small_series_is_refreshed_each_time_and_a_larger_one_when_it_has_doubled():
    sizes = [trail.refreshed for trail, _, _ in play([1000] * 100)]

    assert sizes[:16] == [1000 * number for number in range(1, 17)]
    assert sorted(set(sizes[16:])) == [16_000, 32_000, 64_000]


def test_keys_sort_by_where_segments_end():
    """
    A listing that starts after a reader's own position holds what is new to it.
    """
    ends = [5, 10, 99, 100, 123_456_789_012_345]

    keys = [str(Segment("a/b.csv", 0, end)) for end in ends]

    assert keys == sorted(keys)
    assert keys[1] == ".lab-workbook/segments/a/b.csv/000000000000010-000000000000000"


@given(name=st.from_regex(r"[a-z]{1,3}(/[a-z]{1,3}){0,2}\.csv", fullmatch=True), data=st.data())
def test_a_key_says_what_it_holds(name, data):
    end = data.draw(st.integers(1, 10**15 - 1))
    segment = Segment(name, data.draw(st.integers(0, end - 1)), end)

    assert segments.parse(str(segment)) == segment


@pytest.mark.parametrize(
    "path",
    [
        "loss.csv",
        ".lab-workbook/segments/loss.csv",
        ".lab-workbook/segments/000000000000010-000000000000000",
        ".lab-workbook/segments/loss.csv/10-0",
        ".lab-workbook/segments/loss.csv/000000000000010-000000000000010",
        ".lab-workbook/segments/loss.csv/000000000000005-000000000000010",
        ".lab-workbook/segments/loss.csv/000000000000010-000000000000000\n",
        ".lab-workbook/segments/loss.csv/\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0661\u0660-000000000000000",
        ".lab-workbook/segments/../loss.csv/000000000000010-000000000000000",
        ".lab-workbook/segments//etc/passwd/000000000000010-000000000000000",
        ".lab-workbook/segments/.lab-workbook/begin.json/000000000000010-000000000000000",
        ".lab-workbook/segments/a\nb/000000000000010-000000000000000",
    ],
)
def test_what_is_no_segment_is_left_alone(path):
    assert segments.parse(path) is None
