import pytest
from PIL import Image, ImageFilter
from tests.published import published

from docent.config.stages import AssessImages
from docent.vision.quality import measure, shortcomings

PUBLISHED = {
    "1903-wright-flyer-8": (0.2110, 57.08, 76.41),
    "nakhla-meteorite-fragment-1": (0.1399, 60.85, 91.45),
    "plymouth-rock-piece-1": (0.1716, 54.08, 177.70),
    "weathervane-teapot-1": (0.2350, 67.52, 61.09),
}
LIMITS = AssessImages(min_side_px=64, min_color_std=3.0, min_sharpness=2.0)


def noise(size: tuple[int, int] = (128, 96)) -> Image.Image:
    return Image.effect_noise(size, 60).convert("RGB")


@pytest.mark.feature("image-quality")
@pytest.mark.published
@pytest.mark.parametrize("name", PUBLISHED)
def test_metrics_of_the_reference_photos_are_the_published_ones(name: str) -> None:
    # As stored: the published numbers take no notice of colour profiles, which two of the photos have.
    with Image.open(published("photos") / f"{name}.jpg") as photo:
        found = measure(photo.convert("RGB")).values
    rounded = (round(found["resolution_score"], 4), round(found["color_std"], 2), round(found["brightness"], 2))
    assert rounded == PUBLISHED[name]
    assert not shortcomings(found, LIMITS)


@pytest.mark.feature("image-quality")
def test_variation_and_brightness_of_a_known_picture() -> None:
    half = Image.new("RGB", (100, 100), (0, 0, 0))
    half.paste((200, 200, 200), (0, 0, 50, 100))
    found = measure(half).values
    assert (found["color_std"], found["brightness"]) == (100.0, 100.0)
    assert found["resolution_score"] == round(10_000 / (1920 * 1080), 4)


def test_a_blurred_copy_is_less_sharp() -> None:
    sharp = noise()
    blurred = sharp.filter(ImageFilter.GaussianBlur(4))
    assert measure(blurred).values["sharpness"] < measure(sharp).values["sharpness"] / 50


@pytest.mark.feature("image-validity")
@pytest.mark.parametrize(
    ("picture", "reasons"),
    [
        (noise((128, 20)), ["too small"]),
        (Image.new("RGB", (100, 100), (90, 120, 40)), ["blank"]),
        (Image.linear_gradient("L").convert("RGB"), ["blurred"]),
        (noise().point(lambda value: value // 16), ["too dark"]),
        (noise().point(lambda value: 255 - value // 16), ["too bright"]),
        (Image.new("RGB", (10, 10)), ["too small", "blank", "too dark"]),
        (noise(), []),
    ],
)
def test_each_shortcoming_is_named(picture: Image.Image, reasons: list[str]) -> None:
    assert shortcomings(measure(picture).values, LIMITS) == reasons


def test_the_smallest_picture_can_be_measured() -> None:
    assert measure(Image.new("RGB", (1, 1))).values["sharpness"] == 0
