"""
A repository lists its experiments and finds each by its tag.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from lab_workbook import (
    AmbiguousTag,
    BucketNotFound,
    ConfigurationError,
    CredentialsMissing,
    ExperimentNotFound,
    ExperimentRepository,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


def tags(experiments: Any) -> list[str]:
    return [experiment.tag for experiment in experiments]


def test_brackets_list_and_find_experiments(repository: ExperimentRepository, make: Any) -> None:
    """
    As in 2016: a tag gives an experiment, several a tuple, a number or a slice what the list holds.
    """
    for tag in ("B", "A", "C"):
        make(tag)

    assert tags(repository[:]) == tags(repository.list_experiments()) == ["A", "B", "C"]
    assert repository[-1].tag == "C"
    assert tags(repository[1:]) == ["B", "C"]
    assert tags(repository["A", "B"]) == ["A", "B"]
    assert repr(repository["A"]) == "<Experiment: A>"


def test_a_repository_is_a_collection_of_experiments(repository: ExperimentRepository, make: Any) -> None:
    experiment = make("A")

    assert list(repository) == [experiment]
    assert "A" in repository
    assert experiment in repository
    assert "B" not in repository


@pytest.mark.parametrize("key", [None, 1.5, b"A"])
def test_other_keys_are_a_type_error(repository: ExperimentRepository, key: Any) -> None:
    with pytest.raises(TypeError):
        repository[key]


def test_only_folders_are_experiments(repository: ExperimentRepository, folder: Path, make: Any) -> None:
    """
    A stray file, an empty folder and a link lie beside the experiments, and are none.
    """
    make("A")
    (folder / "stray.txt").write_text("")
    (folder / "empty").mkdir()
    (folder / "link").symlink_to(folder / "A")

    assert tags(repository[:]) == ["A"]


def test_a_folder_that_is_not_there_has_no_experiments(tmp_path: Path) -> None:
    """
    Before the first experiment there is no folder, and that is no error.
    """
    repository = ExperimentRepository(tmp_path / "none")

    assert repository[:] == []
    with pytest.raises(ExperimentNotFound, match=r"has 0 experiments, and none at \[-1\]"):
        repository[-1]


def test_an_unknown_tag_is_said_on_first_use_and_near_ones_are_named(
    repository: ExperimentRepository, make: Any
) -> None:
    make("201602122149-PMJ8a76csB")

    experiment = repository["201602122149-PMJ8a76csb"]

    with pytest.raises(ExperimentNotFound, match=r"Did you mean '201602122149-PMJ8a76csB'\?"):
        experiment[:]
    with pytest.raises(ExperimentNotFound, match="the last of 1 is '201602122149-PMJ8a76csB'"):
        repository["X"][:]


@pytest.fixture(params=["folder", "s3"])
def tagged(request: pytest.FixtureRequest) -> ExperimentRepository:
    """A repository of experiments whose tags begin alike."""
    tags = (
        "201602122149-PMJ8a76csB",
        "201602152241-sQkhvvsj4J",
        "201603010000-0123456789",
        "one",
        "one-more",
    )
    if request.param == "folder":
        for tag in tags:
            request.getfixturevalue("make")(tag)
        return request.getfixturevalue("repository")
    place = request.getfixturevalue("bucket_prefix")
    for tag in tags:
        request.getfixturevalue("s3_client").put_object(
            Bucket=place.split("/")[2], Key=f"exp/{tag}/a.txt", Body=b""
        )
    return ExperimentRepository(place)


def test_the_beginning_of_a_tag_is_enough_if_no_other_begins_so(tagged: ExperimentRepository) -> None:
    assert tagged["20160212"].tag == "201602122149-PMJ8a76csB"
    assert tagged["201602122149-PMJ8a76csB"].tag == "201602122149-PMJ8a76csB"
    assert tags(tagged["20160212", "201603"]) == ["201602122149-PMJ8a76csB", "201603010000-0123456789"]


def test_a_tag_that_is_the_beginning_of_another_is_itself(tagged: ExperimentRepository) -> None:
    assert tagged["one"].tag == "one"
    assert tagged["one-"].tag == "one-more"


def test_a_beginning_of_several_tags_is_refused_with_a_list(tagged: ExperimentRepository) -> None:
    with pytest.raises(
        AmbiguousTag, match="2 experiments begin with '201602': '201602122149-PMJ8a76csB', '2016"
    ):
        tagged["201602"]
    with pytest.raises(KeyError, match="Give more of the tag"):
        tagged["201"]


def test_a_whole_tag_asks_for_nothing_and_a_wrong_one_says_what_is_near(tagged: ExperimentRepository) -> None:
    assert ExperimentRepository("s3://bucket/", endpoint_url="http://127.0.0.1:1")["201602122149-PMJ8a76csB"]
    with pytest.raises(ExperimentNotFound, match=r"Did you mean .*'201602122149-PMJ8a76csB'"):
        tagged["2016021221x"][:]


@pytest.mark.parametrize("tag", ["", ".", "..", "../experiments", "/", "A/../..", "\ud800"])
def test_a_tag_that_is_no_safe_path_finds_nothing(
    repository: ExperimentRepository, make: Any, tag: str
) -> None:
    """
    Nothing outside the folder is read, whatever the tag.
    """
    make("A", {"a.txt": b"1"})

    with pytest.raises(ExperimentNotFound):
        repository[tag]["a.txt"]


def test_the_configuration_says_where(
    make: Any, folder: Path, isolation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    An argument wins over the environment, the environment over the file.
    """
    make("A")
    (isolation / ".lab-workbook-config").write_text("bucketPrefix = file:///from-the-file/\n")
    from_file = ExperimentRepository()
    monkeypatch.setenv("LAB_WORKBOOK_BUCKET_PREFIX", str(folder))

    assert from_file.where == "file:///from-the-file/"
    assert tags(ExperimentRepository()[:]) == ["A"]
    assert ExperimentRepository("s3://bucket/p").where == "s3://bucket/p/"


def test_the_two_arguments_of_2016_are_a_bucket_and_a_prefix() -> None:
    assert ExperimentRepository("bucket", "/beh/").where == "s3://bucket/beh/"
    assert ExperimentRepository(bucket="bucket").where == "s3://bucket/"
    assert ExperimentRepository(bucket="bucket", s3prefix="beh").where == "s3://bucket/beh/"
    with pytest.raises(ConfigurationError, match="s3prefix needs a bucket"):
        ExperimentRepository(s3prefix="beh")


def test_making_and_showing_a_repository_asks_no_server() -> None:
    repository = ExperimentRepository("s3://bucket/exp/", endpoint_url="http://127.0.0.1:1")

    assert repr(repository) == "<ExperimentRepository: s3://bucket/exp/>"


def test_a_bucket_of_many_experiments_is_listed_whole(s3_client: S3Client, bucket_prefix: str) -> None:
    """
    S3 answers at most 1,000 names at a time.
    """
    bucket = bucket_prefix.split("/")[2]
    expected = [f"{number:04}" for number in range(1005)]
    for tag in expected:
        s3_client.put_object(Bucket=bucket, Key=f"exp/{tag}/a.txt", Body=b"")
    s3_client.put_object(Bucket=bucket, Key="exp/stray.txt", Body=b"")

    assert tags(ExperimentRepository(bucket_prefix)[:]) == expected


def test_a_bucket_that_is_not_there_is_named(s3: str) -> None:
    del s3
    with pytest.raises(BucketNotFound, match="no bucket 'not-there'"):
        ExperimentRepository("s3://not-there/exp/")[:]


def test_missing_credentials_say_what_to_do() -> None:
    repository = ExperimentRepository("s3://bucket/exp/", endpoint_url="http://127.0.0.1:1")

    with pytest.raises(CredentialsMissing, match="aws configure"):
        repository[:]
