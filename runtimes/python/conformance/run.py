"""Runs one module of CPython's own tests, named by input."""
import io
import os
import unittest

os.chdir("/tmp")  # the tests write files

# They take half a minute and more natively.
TOO_SLOW = {"test_sumprod_stress", "test_kde_random"}


def each(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from each(test)
        elif test.id().rpartition(".")[2] not in TOO_SLOW:
            yield test


def reason(trace):
    return trace.strip().splitlines()[-1]


suite = unittest.defaultTestLoader.loadTestsFromName("test." + input)
told = unittest.TextTestRunner(stream=io.StringIO(), verbosity=0).run(type(suite)(each(suite)))

result = {
    "run": told.testsRun,
    "skipped": len(told.skipped),
    "failed": {str(test): reason(trace) for test, trace in told.failures + told.errors},
    "unexpected": [str(test) for test in told.unexpectedSuccesses],
}
