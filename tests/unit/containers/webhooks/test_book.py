"""The book of deliveries: what a killed service finds again, and what is left out of it."""

from __future__ import annotations

from pathlib import Path

from coreos_lab.containers.webhooks import book
from coreos_lab.containers.webhooks.book import Book
from coreos_lab.containers.webhooks.push import Push


def push(number: int = 1) -> Push:
    return Push(f"event-{number}", 1000.0 + number, "library/web", "production", "anonymous", "")


def test_a_service_that_was_killed_finds_what_it_has_not_finished(tmp_path: Path) -> None:
    path = tmp_path / "deliveries.jsonl"
    first = Book(path)
    told, other = first.take(push(), {"a": "http://a", "b": "http://b"})
    first.note(told, state=book.DELIVERED, attempts=2, status=200, said="ok")
    first.note(other, attempts=1, status=0, said="refused")
    path.write_text(path.read_text() + '{"delivery": "half')  # it was killed while it wrote
    for again in (Book(path), Book(path)):
        found = again.pages.deliveries
        assert [(each.hook, each.state, each.attempts) for each in found.values()] == [
            ("a", book.DELIVERED, 2),
            ("b", book.WAITING, 1),
        ]
        assert found["event-1.b"].said == "refused"
        assert again.take(push(), {"a": "http://a"}) == [], "the registry repeats what was not answered in time"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_push_that_no_hook_is_told_of_is_remembered_for_the_repositorys_age(tmp_path: Path) -> None:
    made = Book(tmp_path / "book")
    assert made.take(push(1), {}) == []
    made.take(push(2), {"a": "http://a"})
    assert Book(tmp_path / "book").pages.first == {"library/web": 1001.0}


def test_old_pushes_leave_the_book(tmp_path: Path) -> None:
    made = Book(tmp_path / "book")
    for number in range(book.KEPT + 3):
        made.take(push(number), {"a": "http://a"})
    again = Book(tmp_path / "book").pages
    assert len(Book(tmp_path / "book").pages.pushes) == book.KEPT
    assert again.first == {"library/web": 1000.0}


def test_no_book_says_nothing(tmp_path: Path) -> None:
    assert book.read(tmp_path / "none").deliveries == {}
