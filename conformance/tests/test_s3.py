"""
Level s3 of the kit: a writer is judged by what it asks of a server, a reader by what it makes of a bucket.

`make test` plays the quick cases; `make certify` all of them.
"""

import os
import sys

import pytest
from lab_workbook_conformance import certify
from lab_workbook_conformance.levels import s3, s3_reading
from lab_workbook_conformance.s3 import faults, story
from lab_workbook_conformance.s3.client import Client, S3Error
from lab_workbook_conformance.s3.proxy import Proxy

from conformance import programs

CASES = {case.name: case for case in [*s3.cases(), *s3_reading.cases()]}
PYTHON = programs.OURS[0].command
RIGHT = (sys.executable, "-m", "lab_workbook_conformance.wrong")
QUICK = ("end.last-bucket", "tag.claim-at-once", "live.read-1", "live.read-restored", "name.reading-bucket")


def play(command, names, server):
    """The verdict of each case of these names, with the rules that it finds broken."""
    cases = [CASES[name] for name in names]
    report = certify.run(
        command, cases=cases, levels=["s3"], roles=certify.ROLES, timeout=60, s3_endpoint=server
    )
    return {
        result.case.name: (result.verdict, {finding.rule for finding in result.findings})
        for result in report.results
    }


@pytest.mark.parametrize("command", [PYTHON, RIGHT], ids=["ours", "the example"])
def test_a_right_one_is_green(command, s3):
    """
    Ours, which delivers by a process of its own, and the example, which does it all in one.
    """
    assert play(command, QUICK, s3) == {name: ("passed", set()) for name in QUICK}


@pytest.mark.soak
@pytest.mark.parametrize("command", [PYTHON, RIGHT], ids=["ours", "the example"])
def test_a_right_one_is_green_in_each_case(command, s3):
    """
    Also where it takes a minute, and on whatever server the tests run.
    """
    assert play(command, CASES, s3) == {name: ("passed", set()) for name in CASES}


def test_a_server_is_started_where_none_is_given():
    """
    Who installs the kit needs nothing else.
    """
    assert play(RIGHT, ["live.read-ended"], None) == {"live.read-ended": ("passed", set())}


@pytest.fixture
def client(s3):
    """A client of the server, with the keys of the environment."""
    return Client(s3, os.environ)


def test_what_was_put_is_there_under_any_key(client):
    """
    Whatever has to be spelled differently in a request.
    """
    keys = ["a b/ü雪.txt", "T/../escape", "T//x", "100%25+1=2&3;#?", "~'()*!"]
    client.create_bucket("certify-keys")

    for key in keys:
        client.put("certify-keys", key, key.encode())

    assert sorted(client.keys("certify-keys")) == sorted(keys)
    assert [client.get("certify-keys", key).decode() for key in keys] == keys
    client.delete_bucket("certify-keys")


def test_a_put_that_is_only_to_create_is_refused_where_something_is(client):
    """
    Its status is the one that claims are decided by.
    """
    client.create_bucket("certify-create")
    client.put("certify-create", "x", b"1", {"If-None-Match": "*"})

    with pytest.raises(S3Error) as caught:
        client.put("certify-create", "x", b"2", {"If-None-Match": "*"})

    assert caught.value.status == 412
    assert client.get("certify-create", "x") == b"1"
    client.delete_bucket("certify-create")


def test_the_proxy_sees_what_was_asked_and_what_became_of_it(client, s3):
    """
    In the order in which the server took it, which is not that in which it came.
    """
    client.create_bucket("certify-proxy")
    with Proxy(s3) as proxy:
        near = Client(proxy.url, os.environ)
        near.put("certify-proxy", "exp/T/a", b"1")
        with proxy.fault(faults.answer(503, "SlowDown")), pytest.raises(S3Error):
            near.put("certify-proxy", "exp/T/b", b"1")

    assert [(seen.key, seen.status, seen.stored) for seen in proxy.seen] == [
        ("exp/T/a", 200, 1),
        ("exp/T/b", 503, None),
    ]
    client.delete_bucket("certify-proxy")


def test_a_body_that_was_signed_piece_by_piece_is_read():
    """
    Some libraries put every object that way.
    """
    body = b"5;chunk-signature=ab\r\nhello\r\n1;chunk-signature=cd\r\n!\r\n0;chunk-signature=ef\r\n\r\n"

    seen = story.Seen("PUT", "k", "", {"x-amz-decoded-content-length": "6"}, body, 0)

    assert seen.content == b"hello!"
