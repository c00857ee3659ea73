"""What machines tell each other: sums that all have alike, and the rows next to their own."""

import threading

import numpy as np
import pytest
from company import in_company

from stylize.runtime.cluster.mailbox import Mailbox, PartedError, size_of
from stylize.runtime.cluster.post import Post
from stylize.runtime.streaming.shares import shares, surrounded

COUNTS = [1, 2, 3, 7]
WIDTH = 5


def image_of(height: int) -> "np.typing.NDArray[np.float32]":
    return np.random.default_rng(0).random((1, 2, height, WIDTH), np.float32)


@pytest.mark.parametrize("count", COUNTS)
def test_sums_are_the_same_everywhere_to_the_last_bit(count: int) -> None:
    numbers = np.random.default_rng(0).random((count, 4))

    def compute(post: Post) -> list[float]:
        mine = numbers[post._number]
        found = post.total({"a": mine, "b": mine.sum()})
        return [*found["a"], float(found["b"])]

    found = in_company(count, compute)
    assert all(each == found[0] for each in found)
    np.testing.assert_allclose(found[0], [*numbers.sum(0), numbers.sum()], rtol=1e-14)


@pytest.mark.parametrize("count", COUNTS)
def test_all_agree_on_what_the_first_has_found(count: int) -> None:
    found = in_company(count, lambda post: post.agreed({"n": np.array(post._number + 3)}))
    assert [int(each["n"]) for each in found] == [3] * count


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize(("stride", "halo"), [(1, 127), (1, 2), (4, 3), (16, 1)])
def test_surroundings_are_those_of_the_whole(count: int, stride: int, halo: int) -> None:
    height = 128 * count + 50
    image = image_of(height // stride)

    def compute(post: Post) -> None:
        rows = post.share(height).of_map(stride, halo)
        mine = image[:, :, rows.owned].copy()
        np.testing.assert_array_equal(surrounded(mine, rows, post), image[:, :, rows.rows])

    in_company(count, compute)


@pytest.mark.parametrize("count", COUNTS)
def test_what_others_find_around_their_rows_is_added_up(count: int) -> None:
    height, halo = 128 * count + 50, 4
    parts = [share.of_map(1, halo) for share in shares(height, count)]
    found = [image_of(part.end - part.start) for part in parts]
    expected = np.zeros((1, 2, height, WIDTH), np.float32)
    for part, image in zip(parts, found, strict=True):
        expected[:, :, part.rows] += image

    def compute(post: Post) -> None:
        rows = parts[post._number]
        mine = found[post._number].copy()
        post.add_up(mine, rows)
        np.testing.assert_allclose(mine[:, :, rows.own], expected[:, :, rows.owned], rtol=1e-6)

    in_company(count, compute)


def test_what_is_sent_is_counted() -> None:
    def compute(post: Post) -> int:
        post.total({"a": np.zeros(10)})
        return post.bytes_sent

    assert in_company(3, compute) == [2 * 80, 80, 80], "up a tree, and down it"
    assert size_of({"a": np.zeros(10), "b": np.zeros(2, np.float32)}) == 88


def test_nobody_waits_for_one_who_is_gone() -> None:
    mailbox = Mailbox()
    waited = threading.Event()

    def wait() -> None:
        with pytest.raises(PartedError):
            mailbox.take((1, 1))
        waited.set()

    thread = threading.Thread(target=wait)
    thread.start()
    mailbox.put((1, 2), {})
    assert not waited.wait(0.05)
    mailbox.close()
    thread.join(5)
    assert waited.is_set()
