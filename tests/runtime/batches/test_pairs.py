"""The pairs of a batch: found in folders, patterns and lists, and put in order."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from stylize.models.errors import ImageError, OptionError
from stylize.runtime.batches.pairs import (
    Pair,
    every_pair,
    find_pictures,
    in_order,
    parse_shard,
    part_of,
    read_pairs,
)

OUT = Path("out")


def touched(*names: str) -> list[Path]:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()
    return [Path(name) for name in names]


class TestFindPictures:
    def test_a_folder_is_all_pictures_in_it(self) -> None:
        found = touched("trip/a.JPG", "trip/b.png")
        touched("trip/.hidden.png", "trip/notes.txt", "trip/below/c.png")
        assert find_pictures([Path("trip")], OUT) == found

    def test_names_in_every_script(self) -> None:
        names = ("東京 夜.jpg", "Ünï cødé.png", "фото.jpg", "صورة.jpg", "🌙.png")
        found = touched(*(f"trip/{name}" for name in names))
        assert set(find_pictures([Path("trip")], OUT)) == set(found)

    def test_a_pattern_is_what_it_matches(self) -> None:
        touched("trip/a.jpg", "trip/below/b.jpg", "trip/c.png", "trip/below/d.txt")
        assert find_pictures([Path("trip/*.jpg")], OUT) == [Path("trip/a.jpg")]
        below = find_pictures([Path("trip/**/*")], OUT)
        assert sorted(below) == [Path(f"trip/{name}") for name in ("a.jpg", "below/b.jpg", "c.png")]

    @pytest.mark.skipif(sys.platform == "win32", reason="no file has such a name there")
    def test_a_file_may_be_called_like_a_pattern(self) -> None:
        (file,) = touched("[a]*.jpg")
        touched("a.jpg")
        assert find_pictures([file], OUT) == [file]

    def test_each_counts_once_and_a_missing_file_is_left_to_fail_later(self) -> None:
        touched("trip/a.jpg")
        named = [Path("trip"), Path("gone.jpg"), Path("trip/a.jpg")]
        assert find_pictures(named, OUT) == [Path("trip/a.jpg"), Path("gone.jpg")]

    def test_nothing_found_is_told(self) -> None:
        touched("trip/notes.txt")
        with pytest.raises(ImageError, match="'trip' has no pictures"):
            find_pictures([Path("trip")], OUT)
        with pytest.raises(ImageError, match="no picture matches that pattern"):
            find_pictures([Path("trip/*.jpg")], OUT)

    @pytest.mark.parametrize("named", ["out", "o*/*.png"])
    def test_results_are_not_taken_for_pictures(self, named: str) -> None:
        touched("out/a.png")
        with pytest.raises(OptionError, match="where the results go"):
            find_pictures([Path(named)], OUT)

    def test_a_folder_of_very_many(self) -> None:
        touched(*(f"trip/{number:05}.jpg" for number in range(10_000)))
        assert len(find_pictures([Path("trip")], OUT)) == 10_000


class TestReadPairs:
    @pytest.mark.parametrize("heading", ["", "Photo,Painting\n", "\ufeffphoto, painting\r\n"])
    def test_a_photo_and_a_painting_a_line(self, heading: str) -> None:
        text = f'{heading}a.jpg,b.jpg\n\n"c, d.jpg", 夜.jpg\n'
        Path("pairs.csv").write_text(text, encoding="utf-8", newline="")
        found = read_pairs(Path("pairs.csv"))
        assert found == [Pair(Path("a.jpg"), Path("b.jpg")), Pair(Path("c, d.jpg"), Path("夜.jpg"))]

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (b"a.jpg,b.jpg\na.jpg\n", "Line 2 of 'pairs.csv' is 'a.jpg'; write a photo"),
            (b"a.jpg,b.jpg,c.jpg\n", 'Line 1 of .* needs "quotes"'),
            (b"photo,painting\n", "'pairs.csv' is empty"),
            (b"\xff\xfe\x00", "'pairs.csv' cannot be read: .* It must be text in UTF-8"),
            (b'"a.jpg', "'pairs.csv' cannot be read"),
        ],
    )
    def test_bad_lists(self, content: bytes, message: str) -> None:
        Path("pairs.csv").write_bytes(content)
        with pytest.raises(OptionError, match=message):
            read_pairs(Path("pairs.csv"))

    def test_no_list(self) -> None:
        with pytest.raises(OptionError, match=r"'pairs\.csv' cannot be read: No such file"):
            read_pairs(Path("pairs.csv"))


def test_photos_of_the_same_proportions_and_pairs_of_a_photo_follow_each_other(
    picture: Callable[..., Path],
) -> None:
    wide = [picture(f"wide{n}.png", size, seed=n) for n, size in enumerate([(48, 32), (96, 64)])]
    high = picture("high.png", (32, 48))
    gone = Path("a-gone.png")
    pairs = every_pair([wide[0], gone, high, wide[1]], [Path("p.jpg"), Path("q.jpg")])
    ordered = in_order([*pairs[::2], *pairs])
    assert sorted(map(str, ordered)) == sorted(map(str, pairs))
    assert [pair.photo for pair in ordered[::2]] == [high, *wide, gone]
    assert [pair.photo for pair in ordered[1::2]] == [high, *wide, gone]


@pytest.mark.parametrize(("length", "count"), [(10, 3), (2, 5), (0, 2), (8, 8)])
def test_parts_are_all_together_and_alike(length: int, count: int) -> None:
    pairs = every_pair([Path(f"{number}.jpg") for number in range(length)], [Path("p.jpg")])
    parts = [part_of(pairs, number, count) for number in range(1, count + 1)]
    assert [pair for part in parts for pair in part] == pairs
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_shards() -> None:
    assert parse_shard("1/8") == (1, 8)
    for text in ("0/8", "9/8", "1", "1/0", "-1/2", "a/b", "1/2/3"):
        with pytest.raises(OptionError, match="which part of how many: 1/8 to 8/8"):
            parse_shard(text)
