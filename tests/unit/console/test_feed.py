"""What readers are told, at their own speed."""

from __future__ import annotations

from coreos_lab.console.feed import HAPPENED, Feed
from coreos_lab.events import Event


def test_a_reader_gets_the_whole_and_then_what_has_changed() -> None:
    feed = Feed()
    feed.update(leader="a", nodes={"a": {"state": "running"}})
    with feed.reading(lambda: None) as reader:
        assert feed.news(reader) == {"document": {"leader": "a", "nodes": {"a": {"state": "running"}}}}
        assert feed.news(reader) == {}
        feed.update(leader="b")
        assert feed.news(reader) == {"patch": {"leader": "b"}}


def test_a_slow_reader_gets_all_changes_in_one() -> None:
    feed = Feed()
    feed.update(leader="a", count=0)
    with feed.reading(lambda: None) as slow:
        feed.news(slow)
        for number in range(100):
            feed.update(count=number)
            feed.sampled({"probe": "x", "wall": number})
        news = feed.news(slow)
        assert news["patch"] == {"count": 99}
        assert [sample["wall"] for sample in news["samples"]] == list(range(100))


def test_what_has_happened_is_kept_for_readers_that_come_later_and_does_not_grow_for_ever() -> None:
    feed = Feed()
    for number in range(HAPPENED + 50):
        feed.happened(Event("note", "node", str(number)))
    with feed.reading(lambda: None) as reader:
        events = feed.news(reader)["events"]
        assert len(events) == HAPPENED
        assert events[-1]["subject"] == str(HAPPENED + 49)
        assert feed.news(reader) == {}


def test_readers_are_notified_of_what_is_new_and_of_nothing_else() -> None:
    feed, calls = Feed(), list[str]()
    with feed.reading(lambda: calls.append("one")), feed.reading(lambda: calls.append("two")):
        feed.update(leader="a")
        assert calls == ["one", "two"]
        feed.update(leader="a")
        assert calls == ["one", "two"]
    feed.update(leader="b")
    assert calls == ["one", "two"]


def test_looking_begins_with_the_first_reader_and_ends_with_the_last() -> None:
    feed, looks = Feed(), list[bool]()
    feed.on_look = looks.append
    with feed.reading(lambda: None):
        with feed.reading(lambda: None):
            assert looks == [True]
        assert looks == [True]
    assert looks == [True, False]
