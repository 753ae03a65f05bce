"""
The cases of the kit as tests of pytest, for the suite of a writer or a reader.

In a module such as ``test_conformance.py``::

    from lab_workbook_conformance.testing import Conformance


    class TestMyWriter(Conformance):
        command = ("python", "adapter.py")
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar, NamedTuple

import pytest

from lab_workbook_conformance import certification, certify, known, levels, report
from lab_workbook_conformance.adapter import AdapterTrouble
from lab_workbook_conformance.bench import Bench
from lab_workbook_conformance.case import Case
from lab_workbook_conformance.certification import Requirements
from lab_workbook_conformance.levels import depth, pins
from lab_workbook_conformance.report import Report, Result


class Tried(NamedTuple):
    """One adapter, its known failures, and what came of its cases so far."""

    bench: Bench
    known: dict[str, str]
    report: Report


class Conformance:
    """
    Tests of one adapter: one for each case, and one for whether it is certified.

    ``command`` starts the adapter, in the folder where pytest was started. The rest are the options of
    ``lab-workbook certify``: ``known_failures`` and ``pinned`` are files, and where ``levels`` is empty the
    adapter's hello decides. A case that the adapter cannot play is skipped; a known failure is expected to
    fail.
    """

    command: ClassVar[Sequence[str]] = ()
    levels: ClassVar[Sequence[str]] = ()
    known_failures: ClassVar[str | None] = None
    pinned: ClassVar[str | None] = None
    examples: ClassVar[int] = depth.EXAMPLES
    seed: ClassVar[int] = 0
    timeout: ClassVar[float] = 30
    s3_endpoint: ClassVar[str | None] = None

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """Make a test of each case of the adapter's levels."""
        if "case" in metafunc.fixturenames:
            cases = self._requirements().cases
            metafunc.parametrize("case", cases, ids=[case.name for case in cases])

    @pytest.fixture(scope="class")
    @classmethod
    def tried(cls) -> Iterator[Tried]:
        """Yield the adapter that plays the cases."""
        with cls._bench() as bench:
            names = {name for case in cls._every() for name in (case.name, case.example)}
            failures = known.load(cls.known_failures, names) if cls.known_failures else {}
            about = Report(list(cls.command), bench.hello, requirements=cls._requirements())
            yield Tried(bench, failures, about)

    def test_case(self, case: Case, tried: Tried) -> None:
        """The adapter keeps the rules of this case."""
        result = certify.judge(case, tried.bench)
        tried.report.results.append(result)
        if result.verdict == report.FAILED:
            (result,) = known.applied([result], tried.known)
        _tell(result, tried.report)

    def test_is_certified(self, tried: Tried) -> None:
        """Each rule of its levels has a case that passed."""
        requirements = tried.report.requirements
        if requirements is None or len(tried.report.results) < len(requirements.cases):
            pytest.skip("not all cases were run in this process, so it cannot be certified")
        tried.report.results = known.applied(tried.report.results, tried.known)
        for result in tried.report.results:
            if result.verdict == report.UNEXPECTED:
                _tell(result, tried.report)
        if tried.report.exit_code:
            found = tried.report.certification
            text = certification.STATUS_TEXTS[found.status](found)
            pytest.fail(
                "\n".join([f"it {text}", *found.reasons, *sorted(tried.report.broken)]), pytrace=False
            )

    @classmethod
    def _bench(cls) -> Bench:
        return Bench(cls.command, timeout=cls.timeout, s3_endpoint=cls.s3_endpoint)

    @classmethod
    def _every(cls) -> list[Case]:
        of_file = pins.load(cls.pinned) if cls.pinned else []
        return [*levels.cases(), *depth.cases(cls.examples, cls.seed), *map(pins.case, of_file)]

    @classmethod
    def _requirements(cls) -> Requirements:
        """
        Return what the adapter claims, and the cases of its levels.

        Raises:
            pytest.UsageError: there is no adapter that says hello.
        """
        if not cls.command:
            raise pytest.UsageError(f"{cls.__name__}.command is missing: the command that starts the adapter")
        try:
            with cls._bench() as bench:
                hello = bench.hello
        except AdapterTrouble as error:
            raise pytest.UsageError(f"the adapter of {cls.__name__} cannot be used: {error}") from error
        of_levels = list(cls.levels or hello["levels"])
        roles = certify.roles_of(hello["verbs"])
        return Requirements(hello, of_levels, roles, certify.chosen(cls._every(), of_levels, roles))


def _tell(result: Result, about: Report) -> None:
    """End the test of a case as the case has ended."""
    if result.verdict == report.UNSUPPORTED:
        pytest.skip(result.message)
    if result.verdict == report.KNOWN:
        pytest.xfail(result.message)
    if result.verdict != report.PASSED:
        pytest.fail("\n".join(report.described(about, result)), pytrace=False)
