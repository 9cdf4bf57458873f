"""A link to a digital good opens one file until it is over."""

from __future__ import annotations

from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from shopctl.provisioning.actions.download_link import DownloadLinkAction
from shopctl.provisioning.downloads import check, link
from shopctl.provisioning.errors import DownloadOver, DownloadRefused, PathInvalid
from shopctl.workflow.ports import Done, Failed
from support.calls import Standing, call

KEY = b"k" * 32
END = 100_000_000


def parts(url: str) -> tuple[str, str, str]:
    """Path, end and signature as a server takes them out of a link."""
    split = urlsplit(url)
    query = parse_qs(split.query)
    return unquote(split.path).removeprefix("/x/downloads/"), query["expires"][0], query["signature"][0]


@pytest.mark.parametrize("path", ["a.pdf", "manuals/Über uns & co?.pdf", "a b/%2e%2e/c", "x" * 1000])
def test_a_link_opens_its_file_until_its_end(path):
    given = parts(link("https://shop.example/x/", path, END, KEY))

    assert check(*given, KEY, now=END - 1) == path
    with pytest.raises(DownloadOver):
        check(*given, KEY, now=END)


def test_nothing_of_a_link_can_be_changed():
    path, expires, signature = parts(link("https://shop.example/x", "a/b.pdf", END, KEY))
    for altered in (
        ("a/c.pdf", expires, signature), ("a/b.pdf/", expires, signature), (path, "101", signature),
        (path, expires, signature[:-1]), (path, expires, signature + "="), (path, expires, ""), (path, "", signature),
        (path, "٣", signature), (path, "-1", signature), (path, expires, "ä"),
    ):  # fmt: skip
        with pytest.raises(DownloadRefused):
            check(*altered, KEY, now=0)
    with pytest.raises(DownloadRefused):
        check(path, expires, signature, b"other" * 8, now=0)


@pytest.mark.parametrize("path", ["", "/etc/passwd", "../x", "a/../b", "a//b", "a/.", "a\\b", "a\nb", "x" * 1001, "a/"])
def test_a_path_that_leads_elsewhere_gets_no_link(path):
    with pytest.raises(PathInvalid):
        link("https://shop.example", path, END, KEY)


def test_the_action_makes_a_link_for_its_time():
    action = DownloadLinkAction("https://shop.example/x", lambda unit: KEY, Standing(1_500_000))
    done = action.perform(None, call({"path": "a.pdf", "seconds": 60}))  # type: ignore[arg-type]

    assert isinstance(done, Done)
    assert done.output["expires_at"] == "1970-01-01T00:01:01Z"
    assert check(*parts(done.output["url"]), KEY, now=60_999_999) == "a.pdf"
    assert isinstance(action.perform(None, call({"path": 7})), Failed)  # type: ignore[arg-type]
    assert action.problems({"path": "${input.file}", "secs": 1}) == ["there is no secs; known here: path, seconds"]
