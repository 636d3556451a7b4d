"""Results: made by helpers, changed by copying."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from reglet.domain.entities.result import (
    ErrorDetail,
    ResultStatus,
    RunMetadata,
    result_error,
    result_failure,
    result_success,
)
from reglet.domain.time import Timestamp

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def test_the_three_helpers_set_status_message_and_data():
    """Success and failure take a message and data, an error takes its detail's message."""
    success, failure = result_success("ok", {"a": 1}), result_failure("no")
    error = result_error(ErrorDetail("network", "refused"))
    assert (success.status, success.message, success.data) == (ResultStatus.SUCCESS, "ok", {"a": 1})
    assert (failure.status, failure.message, failure.data) == (ResultStatus.FAILURE, "no", None)
    assert (error.status, error.message, error.error) == (ResultStatus.ERROR, "refused", error.error)


def test_exactly_one_predicate_holds():
    """A result is a success, a failure or an error."""
    results = [result_success("a"), result_failure("b"), result_error(ErrorDetail())]
    assert [(r.is_success, r.is_failure, r.is_error) for r in results] == [
        (True, False, False),
        (False, True, False),
        (False, False, True),
    ]


def test_with_field_leaves_the_original_alone():
    """Copies differ, the first stays as it was."""
    first = result_success("ok", {"a": 1})
    second = first.with_field("b", 2)
    assert (first.data, second.data) == ({"a": 1}, {"a": 1, "b": 2})


def test_with_field_starts_data_where_there_is_none():
    """A result without data gets some."""
    assert result_success("ok").with_field("a", 1).data == {"a": 1}


def test_with_data_replaces_all_of_it():
    """Old fields do not stay."""
    assert result_success("ok", {"a": 1}).with_data({"b": 2}).data == {"b": 2}


def test_metadata_counts_nanoseconds():
    """The duration is the difference of two moments, to the nanosecond."""
    end = Timestamp.of(NOON + timedelta(microseconds=5), 678)
    metadata = RunMetadata.between(NOON, end, sdk_version="1", plugin_id="p")
    assert metadata.duration_ns == 5678
    assert metadata.duration == timedelta(microseconds=6)
    assert result_success("ok").with_metadata(metadata).metadata == metadata


def test_a_timestamp_without_a_zone_is_utc():
    """Moments always have a zone."""
    assert Timestamp.of(datetime(2026, 1, 2)).tzinfo is UTC  # noqa: DTZ001 - what is under test


def test_a_timestamp_refuses_more_than_999_nanoseconds():
    """A thousand nanoseconds are a microsecond."""
    with pytest.raises(ValueError, match=r"0\.\.999, not 1000"):
        Timestamp.of(NOON, 1000)


def test_an_error_prints_with_its_code_and_its_cause():
    """The text is `type: message [code]: cause`."""
    inner = ErrorDetail("network", "refused", "D")
    assert str(ErrorDetail("config", "m", "C", wrapped=inner)) == "config: m [C]: network: refused [D]"
