"""The search for secrets finds each form of one, and says nothing of the secret itself."""

import pytest

from support.leaks import leaks

SECRETS = {"token": "abcdefgh-12345678", "url": "redis://:pass+word_0123456@redis:6379/0"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("x abcdefgh-12345678 y", "token"),
        ("connecting to redis://:pass+word_0123456@redis:6379/0", "url"),
        ("password=pass%2Bword_0123456&", "url"),
    ],
)
def test_a_secret_in_a_text_is_named(text, name):
    assert leaks(SECRETS, [("log of redis", "nothing"), ("log of init", text)]) == [f"log of init: {name}"]


def test_nothing_is_found_where_nothing_is():
    assert leaks(SECRETS, [("log", "redis://:***@redis:6379/0 abcdefgh")]) == []


def test_a_secret_that_anything_could_contain_is_refused():
    with pytest.raises(ValueError, match="short"):
        leaks({"pin": "1234"}, [])
