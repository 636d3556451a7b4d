"""Grant sets: merged, subtracted and compared rule by rule."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reglet.domain.entities.grants import (
    EnvironmentCapability,
    ExecCapability,
    FileSystemCapability,
    FileSystemRule,
    GrantSet,
    KeyValueCapability,
    KeyValueRule,
    NetworkCapability,
    NetworkRule,
)

words = st.text("ab*/", min_size=1, max_size=3)
lists = st.lists(words, max_size=3)
network = st.builds(NetworkCapability, st.lists(st.builds(NetworkRule, lists, lists), max_size=3))
files = st.builds(FileSystemCapability, st.lists(st.builds(FileSystemRule, lists, lists), max_size=3))
keys = st.builds(KeyValueCapability, st.lists(st.builds(KeyValueRule, lists), max_size=3))
grant_sets = st.builds(
    GrantSet,
    network=st.none() | network,
    fs=st.none() | files,
    env=st.none() | st.builds(EnvironmentCapability, lists),
    exec=st.none() | st.builds(ExecCapability, lists),
    kv=st.none() | keys,
)


def commands(*names: str) -> GrantSet:
    return GrantSet(exec=ExecCapability(names))


def test_a_rule_given_as_one_text_says_how_to_write_a_list():
    """`hosts="example.com"` would be eleven hosts of one letter; the error shows the list to write."""
    with pytest.raises(TypeError, match=r"write hosts=\[\"example.com\"\]"):
        NetworkRule(hosts="example.com")


def test_a_kind_without_rules_grants_nothing():
    """A network capability with no rules leaves the set empty."""
    assert GrantSet(network=NetworkCapability()).is_empty


def test_merge_appends_what_is_missing_once():
    """Rules of the other set follow, each once, and the set's own are kept as they are."""
    assert commands("ls").merge(commands("cat", "ls", "cat")) == commands("ls", "cat")


def test_difference_drops_kinds_that_are_left_without_rules():
    """A kind whose rules are all taken away is gone, not empty."""
    assert commands("ls").difference(commands("ls", "cat")) == GrantSet()


def test_rules_with_commas_are_not_confused():
    """One key `a,b` is not the two keys `a` and `b`."""
    joined = GrantSet(kv=KeyValueCapability([KeyValueRule(["a,b"])]))
    apart = GrantSet(kv=KeyValueCapability([KeyValueRule(["a", "b"])]))
    assert not joined.contains(apart)


@given(grant_sets, grant_sets)
def test_a_merge_contains_both_sides(one: GrantSet, other: GrantSet):
    """Nothing is lost by merging."""
    merged = one.merge(other)
    assert merged.contains(one)
    assert merged.contains(other)


@given(grant_sets, grant_sets)
def test_a_difference_and_the_other_side_make_up_the_whole(one: GrantSet, other: GrantSet):
    """What is left after subtracting, with what was subtracted, contains the set again."""
    assert one.difference(other).merge(other).contains(one)


@given(grant_sets)
def test_deduplicating_twice_changes_nothing(grants: GrantSet):
    """Each rule stands once after the first time."""
    once = grants.deduplicate()
    assert once.deduplicate() == once
    assert once.contains(grants)


@given(grant_sets)
def test_none_stands_for_nothing(grants: GrantSet):
    """Merging, subtracting and containing None leave a set as it is."""
    assert grants.merge(None) == grants
    assert grants.difference(None) == grants
    assert grants.contains(None)
    assert grants.clone() == grants
