"""
A bucket in another region, and a network that sends every request somewhere else.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import lab_workbook
import pytest

from tests.faults import drill
from tests.faults.redirects import ELSEWHERE, elsewhere, login_page, to_region

TO_REGION = {
    "301 PermanentRedirect": to_region(301, "PermanentRedirect"),
    "307 TemporaryRedirect": to_region(307, "TemporaryRedirect"),
    "400 AuthorizationHeaderMalformed": to_region(400, "AuthorizationHeaderMalformed", names_region=False),
}
# Each with what is reported of it.
ELSEWHERES = {
    "301 with no region": (elsewhere(301, "PermanentRedirect"), ELSEWHERE),
    "302 of a captive portal": (elsewhere(302, ""), ELSEWHERE),
    "307 with no region": (elsewhere(307, "TemporaryRedirect"), ELSEWHERE),
    "308 to HTTPS": (elsewhere(308, ""), ELSEWHERE),
    "200 of a captive portal": (login_page, "is not an S3 server"),
}
# The one that looks like success.
QUICK = "200 of a captive portal"


def doctor(prefix: str) -> subprocess.CompletedProcess[str]:
    command = "from lab_workbook.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", command, "doctor", prefix],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "fault",
    [
        pytest.param(fault, id=name, marks=() if name.startswith("301") else pytest.mark.soak)
        for name, fault in TO_REGION.items()
    ],
)
def test_a_bucket_in_another_region_is_found(fault, proxy, bucket_prefix, tmp_path):
    """
    Each client is sent there once, with single objects and with those in parts, and remembers it.
    """
    with (tmp_path / "model.bin").open("wb") as file:
        file.truncate(20 << 20)
    with proxy.fault(fault):
        workbook = lab_workbook.new_experiment(tag="T", bucket_prefix=bucket_prefix, upload_every=0.2)
        log = workbook.new_time_series_log("loss", ["step"])
        for step in range(10):
            log(step=step)
        workbook.save_file("model.bin", tmp_path / "model.bin")
        workbook.close()
        written = len(proxy.seen)
        experiment = lab_workbook.ExperimentRepository(bucket_prefix)["T"]

        assert experiment.status == "finished"
        assert list(experiment["loss.csv"].index) == list(range(10))
        assert experiment.verify().is_sound
        redirected = [seen.status in (301, 307, 400) for seen in proxy.seen]
        # Of the uploader: one client for what may be sent again, and one for what may not.
        assert sum(redirected[:written]) <= 2
        assert sum(redirected[written:]) <= 2
        examined = doctor(bucket_prefix)
        assert examined.returncode == 0, examined.stdout


@pytest.mark.parametrize(("fault", "reported"), ELSEWHERES.values(), ids=ELSEWHERES)
def test_a_reader_names_where_it_is_sent(fault, reported, proxy, bucket_prefix):
    """
    It asks a few times, and raises an error of ours: no request is sent to a server that nobody has named.
    """
    with proxy.fault(fault):
        with pytest.raises(lab_workbook.StoreError, match=reported):
            list(lab_workbook.ExperimentRepository(bucket_prefix))
        assert len(proxy.seen) <= 4
        examined = doctor(bucket_prefix)

    assert examined.returncode == 1
    assert reported in examined.stdout


@pytest.mark.parametrize(
    ("fault", "reported"),
    [
        pytest.param(*each, id=name, marks=() if name == QUICK else pytest.mark.soak)
        for name, each in ELSEWHERES.items()
    ],
)
def test_a_script_trains_while_every_request_is_sent_elsewhere(fault, reported, proxy, train):
    """
    It is an outage like any other, and ends with the redirects.
    """
    with proxy.fault(fault):
        training = train(arrives=False)
        training.wait_until_said("not in the bucket yet")
        training.wait_until(lambda: training.has_logged(100), "rows")
        attempts = len(proxy.seen)
    training.wait_until_said("work again")
    training.stop()

    drill.assert_nothing_lost(training, len(training.times()))
    assert reported in training.said()[0]
    assert attempts < 50


@pytest.mark.soak
def test_a_lua_script_without_python_is_not_deceived_by_a_login_page(proxy, train):
    """
    The aws command takes it for success.
    """
    with proxy.fault(login_page):
        training = train("luajit", uploader="aws", arrives=False)
        training.wait_until_said("is not an S3 server")
        training.wait_until(lambda: training.has_logged(100), "rows")
    training.wait_until_said("work again")
    training.stop()

    drill.assert_nothing_lost(training, len(training.times()))


@pytest.mark.soak
def test_a_lua_script_without_python_finds_the_region(proxy, train):
    """
    The aws command follows the redirect by itself.
    """
    with proxy.fault(TO_REGION["301 PermanentRedirect"]):
        training = train("luajit", uploader="aws", arrives=False)
        training.wait_until(lambda: training.has_logged(100), "rows")
        training.stop()

        assert Path(training.stderr).read_text() == ""
        drill.assert_nothing_lost(training, len(training.times()))
