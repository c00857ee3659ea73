"""Coarse to fine: which scales there are, and what goes on from one to the next."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stylize.models.errors import OptionError
from stylize.runtime import Iterate, Model, Options, Scene
from stylize.runtime.method.options import Scales, parse_scales, parse_shares
from stylize.runtime.method.scales import split, stages
from stylize.runtime.pictures.arrays import add_enlarged, room_for
from stylize.runtime.streaming.plan import Budget

SIZE = (512, 384)


def sizes(options: Options, size: tuple[int, int] = SIZE, least: int = 0) -> list[Any]:
    found = stages(options, size, lambda stage: int(str(stage.size)) >= least)
    assert {stage.scales for stage in found} == {1}
    assert sum(stage.iterations for stage in found) == options.iterations
    return [stage.size for stage in found]


class TestSizes:
    @pytest.mark.parametrize(
        ("scales", "expected"),
        [
            (1, [512]),
            (2, [256, 512]),
            (4, [64, 128, 256, 512]),
            ((100, 300), [100, 300, 512]),
            ((300, 100, 512, 300), [100, 300, 512]),
            ("auto", [128, 256, 512]),
        ],
    )
    def test_end_with_the_pictures_own(self, scales: Scales, expected: list[int]) -> None:
        assert sizes(Options(scales=scales)) == expected

    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            (255, [255]),
            (256, [128, 256]),
            (700, [175, 350, 700]),
            (2048, [128, 256, 512, 1024, 2048]),
        ],
    )
    def test_are_automatically_so_many_as_the_size_is_worth(
        self, size: int, expected: list[int]
    ) -> None:
        assert sizes(Options(size=size), (size, size // 2)) == expected

    def test_are_as_close_as_is_asked_for(self) -> None:
        close = Options(scales_per_doubling=2)
        assert sizes(close) == [128, 181, 256, 362, 512]
        assert sizes(replace(close, scales=3)) == [256, 362, 512]
        assert sizes(replace(close, scales=(100,))) == [100, 512]

    @pytest.mark.parametrize(
        ("coarsest", "expected"),
        [(256, [256, 512]), (257, [512]), (16, [16, 32, 64, 128, 256, 512])],
    )
    def test_are_automatically_none_below_the_coarsest(
        self, coarsest: int, expected: list[int]
    ) -> None:
        assert sizes(Options(coarsest=coarsest), (512, 512)) == expected

    @pytest.mark.parametrize(("iterations", "count"), [(1, 1), (19, 1), (20, 2), (29, 2), (30, 3)])
    def test_are_automatically_so_many_as_the_iterations_are_worth(
        self, iterations: int, count: int
    ) -> None:
        assert len(sizes(Options(iterations=iterations))) == count

    @pytest.mark.parametrize(("least", "expected"), [(200, [256, 512]), (600, [512])])
    def test_are_automatically_none_that_are_too_small(
        self, least: int, expected: list[int]
    ) -> None:
        assert sizes(Options(), least=least) == expected

    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            (Options(size=(512, 40)), [(256, 20), (512, 40)]),
            (Options(size=(1024, 100)), [(256, 25), (512, 50), (1024, 100)]),
            (Options(size=2048, painting_size=64), [512, 1024, 2048]),
        ],
    )
    def test_are_automatically_none_that_a_setting_could_not_have(
        self, options: Options, expected: list[Any]
    ) -> None:
        size = options.size if isinstance(options.size, tuple) else (2048, 1536)
        assert [stage.size for stage in stages(options, size, lambda _: True)] == expected

    def test_are_automatically_one_from_a_file(self) -> None:
        assert sizes(Options(init="earlier.png")) == [512]
        assert sizes(Options(init="noise")) == [128, 256, 512]

    def test_measure_the_side_that_the_size_does(self) -> None:
        assert sizes(Options(size=384, side="short", scales=2)) == [192, 384]
        assert sizes(Options(size=SIZE, scales=2)) == [(256, 192), SIZE]
        found = stages(Options(size=SIZE, side="short", scales=(96,)), SIZE, lambda _: True)
        assert [stage.size for stage in found] == [(128, 96), SIZE]

    def test_take_the_painting_along(self) -> None:
        found = stages(Options(painting_size=300, scales=2), SIZE, lambda _: True)
        assert [stage.painting_size for stage in found] == [150, 300]
        found = stages(Options(scales=2), SIZE, lambda _: True)
        assert [stage.painting_size for stage in found] == [None, None]


@pytest.mark.parametrize("iterations", [12, 13, 20, 99, 500])
@pytest.mark.parametrize("scales", [1, 2, 3, 8, 12])
def test_every_scale_has_as_many_iterations(iterations: int, scales: int) -> None:
    coarsest, *others = split(iterations, scales)
    assert coarsest + sum(others) == iterations
    assert set(others) <= {iterations // scales}
    assert iterations // scales <= coarsest < iterations // scales + scales


@pytest.mark.parametrize(
    ("shares", "iterations", "expected"),
    [
        ((2, 1), 3000, [1000, 500, 500, 500, 500]),
        ((600, 200, 66, 30), 896, [600, 200, 66, 30]),
        ((600, 200, 66, 30), 600, [600]),
        ((1, 3), 8, [3, 5]),
        ((1e6, 1), 20, [18, 1, 1]),
        ((1, 1e6), 20, [2, 18]),
    ],
)
def test_scales_share_iterations(
    shares: tuple[float, ...], iterations: int, expected: list[int]
) -> None:
    assert split(iterations, len(expected), shares) == expected
    options = Options(scales=len(expected), iterations=iterations, iteration_shares=shares)
    found = stages(options, SIZE, lambda _: True)
    assert [stage.iterations for stage in found] == expected


@pytest.mark.parametrize(
    ("size", "shares", "iterations", "expected"),
    [
        (2048, (600, 200, 66, 30), 600, [600, 200, 66]),
        (512, (600, 200, 66, 30), 600, [600]),
        (2048, (2, 1), 1000, [1000, 500, 500]),
        (1024, (1000, 1), 20, [20]),
        (1024, (1,), 20, [20, 20]),
    ],
)
def test_iterations_of_the_coarsest_grow_with_the_size(
    size: int, shares: tuple[float, ...], iterations: int, expected: list[int]
) -> None:
    options = Options(
        coarsest=512,
        iterations=iterations,
        iterations_of="coarsest",
        iteration_shares=shares,
    )
    found = stages(options, (size, size), lambda _: True)
    assert [stage.iterations for stage in found] == expected
    assert {stage.iterations_of for stage in found} == {"all"}


def test_a_scale_of_few_iterations_is_not_automatic() -> None:
    few = Options(iterations=300, iteration_shares=(100, 1))
    assert sizes(few) == [512]
    assert sizes(replace(few, iteration_shares=(10, 1))) == [128, 256, 512]


@pytest.mark.parametrize(
    ("options", "share"),
    [
        (Options(losses="paper"), {"style": 0.25}),
        (Options(losses="paper", tv_weight=1.0), {"style": 0.25}),
        (Options(losses="mse"), {}),
        (Options(losses="mse", tv_weight=1.0), {}),
        (Options(losses="relative"), {}),
    ],
)
def test_sums_over_fewer_pixels_weigh_as_much(options: Options, share: dict[str, float]) -> None:
    coarse, fine = stages(replace(options, scales=2), SIZE, lambda _: True)
    assert fine == replace(options, scales=1, iterations=fine.iterations)
    assert coarse.style_weight == share.get("style", 1) * options.style_weight
    assert coarse.content_weight == share.get("content", 1) * options.content_weight
    assert coarse.tv_weight == options.tv_weight


class TestRefusal:
    def test_of_fewer_iterations_than_scales(self) -> None:
        with pytest.raises(OptionError, match="There are 3 scales and 2 iterations"):
            sizes(Options(scales=3, iterations=2))

    def test_of_a_scale_beyond_the_picture(self) -> None:
        with pytest.raises(OptionError, match=r"A scale is 600 pixels, and the picture only 512\."):
            sizes(Options(scales=(256, 600)))

    @pytest.mark.parametrize(
        ("scales", "message"),
        [
            (0, "The number of scales is 0; it must be from 1 to 12 (or sizes with commas, "),
            (13, "The number of scales is 13; it must be from 1 to 12 (or sizes with commas, "),
            ((), "The set of scales is empty; it must be one size or more."),
            ((15,), "The size of a scale is 15; it must be from 16 to 100000 pixels."),
            ("many", "The choice of scales is many; it must be auto or a whole number or a list"),
        ],
    )
    def test_of_what_is_no_scale(self, scales: Any, message: str) -> None:
        with pytest.raises(OptionError) as raised:
            Options(scales=scales)
        assert message in str(raised.value)

    @pytest.mark.parametrize("shares", [(), (1, 0), (-1,), (float("nan"),), 2])
    def test_of_what_is_no_share(self, shares: Any) -> None:
        with pytest.raises(OptionError, match="shares"):
            Options(iteration_shares=shares)

    @pytest.mark.parametrize("text", ["", "coarse", "1.5", "-1", "256;512", ","])
    def test_of_what_cannot_be_read(self, text: str) -> None:
        with pytest.raises(OptionError, match=r"write auto, how many, or sizes with commas"):
            parse_scales(text)


@pytest.mark.parametrize(
    ("text", "scales"),
    [("auto", "auto"), (" 3 ", 3), ("256,512", (256, 512)), ("256,", (256,)), ("64, 96", (64, 96))],
)
def test_words(text: str, scales: Scales) -> None:
    assert parse_scales(text) == scales


def test_words_of_shares() -> None:
    assert parse_shares("2, 1") == (2, 1)
    for text in ("", "2,", "2:1"):
        with pytest.raises(OptionError, match="write numbers with commas as 2,1"):
            parse_shares(text)


@pytest.fixture
def scene(picture: Callable[..., Path]) -> Scene:
    photo, painting = picture("photo.png", (60, 40)), picture("painting.png", (50, 70), seed=1)
    return Scene(Model.open("compact", "cpu"), photo, painting)


def enlarged(pixels: Any, size: tuple[int, int]) -> Any:
    found, _ = room_for(size, 0)
    add_enlarged(found, pixels)
    return found


class TestPainting:
    OPTIONS = Options(size=48, scales=(24, 36), iterations=9, margin=2)

    def test_goes_through_all_scales(self, scene: Scene) -> None:
        found = list(scene.render(self.OPTIONS))
        assert [iterate.iteration for iterate in found] == list(range(1, 10))
        coarse, middle, fine = split(9, 3)
        sizes = [(24, 16)] * coarse + [(36, 24)] * middle + [(48, 32)] * fine
        assert [iterate.size for iterate in found] == sizes
        seconds = [iterate.seconds for iterate in found]
        assert seconds == sorted(seconds)
        assert all(iterate.best.size == iterate.size for iterate in found)
        assert found[-1].best.pixels.shape == (1, 3, 32, 48)
        assert found[-1].image.size == (48, 32)

    def test_begins_each_with_the_best_of_the_one_before(self, scene: Scene) -> None:
        found = list(scene.render(replace(self.OPTIONS, init="painting", optimizer="adam")))
        coarse, middle, _ = split(9, 3)
        for end in (coarse, coarse + middle):
            before, after = found[end - 1], found[end]
            expected = enlarged(before.best.pixels, after.size).clip(0, 1)
            np.testing.assert_array_equal(after.pixels, expected)

    def test_from_the_photo_brings_its_details_along(self, scene: Scene) -> None:
        options = Options(size=48, scales=(24,), iterations=20, margin=0)
        coarse, fine = stages(options, (48, 32), lambda _: True)
        found = list(scene.render(options))
        details = scene.start(fine) - enlarged(scene.start(coarse), (48, 32))
        expected = (enlarged(found[9].best.pixels, (48, 32)) + details).clip(0, 1)
        np.testing.assert_allclose(found[10].pixels, expected, atol=1e-6)

    def test_from_noise_begins_with_coarse_noise(self, scene: Scene) -> None:
        first = next(scene.render(replace(self.OPTIONS, init="noise")))
        assert first.pixels.shape == (1, 3, 16, 24)
        assert first.pixels.std() > 0.25

    def test_reads_one_in_so_many(self, scene: Scene) -> None:
        options = replace(self.OPTIONS, scales=(24,), iterations=25)
        assert split(25, 2) == [13, 12]
        found = [iterate.iteration for iterate in scene.render(options, every=5)]
        assert found == [1, 5, 10, 13, 14, 18, 23, 25]

    def test_of_a_scale_too_small_is_refused(self, scene: Scene) -> None:
        with pytest.raises(OptionError, match=r"In the coarsest scale a side has 11 pixels"):
            scene.render(replace(self.OPTIONS, scales=(16,)))
        with pytest.raises(OptionError, match=r"In the coarsest scale a side has 0 pixels"):
            scene.render(replace(self.OPTIONS, scales=8))


class TestSettling:
    def test_ends_each_scale(self, scene: Scene) -> None:
        options = Options(size=48, scales=(32,), iterations=200, until=0.5)
        found: list[Iterate] = list(scene.render(options))
        coarse = [iterate for iterate in found if iterate.size == (32, 21)]
        fine = [iterate for iterate in found if iterate.size == (48, 32)]
        most, rest = split(200, 2)
        assert 20 < len(coarse) < most
        assert 20 < len(fine) < rest
        assert coarse[-2].spared == 0
        assert coarse[-1].spared == most - len(coarse) == fine[0].spared
        assert found[-1].iteration + found[-1].spared == 200

    def test_waits_for_a_fall_of_less_than_the_part(self, scene: Scene) -> None:
        options = Options(size=48, iterations=200, until=0.05)
        found = list(scene.render(options))
        totals = [iterate.best.total for iterate in found]
        falls = [1 - after / before for before, after in zip(totals, totals[20:], strict=False)]
        assert min(falls[:-1]) >= 0.05 > falls[-1]
        assert found[-1].spared == 200 - len(found) > 0

    def test_waits_where_few_iterates_are_given(self, scene: Scene) -> None:
        options = Options(size=48, iterations=200, until=0.05)
        *_, last = scene.render(options, every=7)
        assert last.iteration % 7 == 0
        assert last.spared == 200 - last.iteration > 0

    def test_never_ends_it_by_default(self, scene: Scene) -> None:
        *_, last = scene.render(Options(size=32, iterations=60))
        assert (last.iteration, last.spared) == (60, 0)


@pytest.mark.parametrize("pixels", ["bounded", "free"])
def test_pixels_stay_between_black_and_white(scene: Scene, pixels: Any) -> None:
    options = Options(size=48, scales=(24,), iterations=30, colors="painting", pixels=pixels)
    beyond = [
        max(float(-iterate.pixels.min()), float(iterate.pixels.max()) - 1)
        for iterate in scene.render(options)
    ]
    assert (max(beyond) <= 0) is (pixels == "bounded")


class TestMargin:
    def test_is_no_part_of_the_picture(self, scene: Scene) -> None:
        start = scene.start(Options(size=48, margin=5))
        assert start.shape == (1, 3, 42, 58)
        bare = scene.start(Options(size=48, margin=0))
        np.testing.assert_array_equal(start[..., 5:-5, 5:-5], bare)
        np.testing.assert_array_equal(start[..., 5:-5, 4], bare[..., 1])  # mirrored at the edge
        first = next(scene.render(Options(size=48, margin=5, iterations=1)))
        assert first.size == (48, 32)
        np.testing.assert_array_equal(first.pixels, bare)

    def test_counts_in_the_memory(self, scene: Scene) -> None:
        bare, framed = (scene.plan(Options(size=48, margin=m)).memory for m in (0, 8))
        square = scene.plan(Options(size=(64, 48), margin=0)).memory
        assert bare < framed == square

    @pytest.mark.parametrize("limit", [150_000_000, 400_000_000])
    def test_counts_in_the_size_that_fits(
        self, scene: Scene, monkeypatch: pytest.MonkeyPatch, limit: int
    ) -> None:
        options = Options(size=480, margin=20)
        width, height = scene.largest(options, of_painting=False, memory=limit) or (0, 0)
        assert width / height == pytest.approx(1.5, rel=0.02)
        monkeypatch.setattr(scene._model, "budget", Budget(limit))
        assert scene.plan(replace(options, size=width)).memory <= limit
        with pytest.raises(OptionError, match=r"needs .* of memory at least"):
            scene.plan(replace(options, size=width + 5))
