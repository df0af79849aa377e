"""Complexity of a picture: OpenCV's values without OpenCV, and the published ones of the published PDF."""

from __future__ import annotations

import cv2
import numpy as np
import pypdfium2
import pypdfium2.raw as pdfium
import pytest
from PIL import Image
from tests.published import published

from docent.vision.complexity import MAX_PIXELS, Complexity, measure


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (7, 2), (50, 61), (200, 150)])
@pytest.mark.parametrize("blur", [0.0, 1.5, 4.0])
def test_edges_and_laplacian_are_those_of_opencv(shape: tuple[int, int], blur: float) -> None:
    rng = np.random.default_rng(7)
    for _ in range(5):
        pixels = rng.integers(0, 256, (*shape, 3), dtype=np.uint8)
        if blur:
            pixels = cv2.GaussianBlur(pixels, (0, 0), blur).reshape(*shape, 3)
            pixels = np.clip((pixels.astype(float) - 128) * (1 + blur) + 128, 0, 255).astype(np.uint8)
        grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
        found = measure(Image.fromarray(pixels))
        assert found.edge_px == int((cv2.Canny(grey, 100, 200) > 0).sum())
        assert found.laplacian == pytest.approx(float(cv2.Laplacian(grey, cv2.CV_64F).var()), abs=1e-3)


@pytest.mark.published
@pytest.mark.feature("figure-thresholds")
def test_the_five_figures_of_the_published_pdf_have_the_published_values() -> None:
    # Published with two decimals and to the unit; one edge count differs by a pixel between versions of OpenCV.
    expected = [
        (2, 579.75, 34_930, 6.13),
        (4, 875.1, 43_149, 8.49),
        (6, 419.4, 52_340, 9.00),
        (7, 885.8, 103_975, 9.79),
        (7, 607.5, 27_029, 6.15),
    ]
    pdf = pypdfium2.PdfDocument(published("documents/en-imagenet-training.pdf"))
    found = []
    for page in (2, 4, 6, 7):
        for item in pdf[page].get_objects(filter=[pdfium.FPDF_PAGEOBJ_IMAGE]):
            found.append((page, measure(item.get_bitmap().to_pil().convert("RGB"))))
    assert len(found) == 5
    for (page, measured), (number, laplacian, edges, entropy) in zip(found, expected, strict=True):
        assert page == number
        assert measured.laplacian == pytest.approx(laplacian, abs=0.5)
        assert abs(measured.edge_px - edges) <= 1
        assert measured.entropy_bits == pytest.approx(entropy, abs=0.006)
        assert measured.exceeds(500, 10_000, 5.0)


@pytest.mark.feature("figure-thresholds")
def test_one_number_above_its_threshold_is_enough_and_equal_is_not_above() -> None:
    measured = Complexity(laplacian=500.0, edge_px=10_000, entropy_bits=5.0)
    assert not measured.exceeds(500, 10_000, 5.0)
    assert measured.exceeds(499, 10_000, 5.0)
    assert measured.exceeds(500, 9_999, 5.0)
    assert measured.exceeds(500, 10_000, 4.9)


def test_a_plain_picture_has_nothing() -> None:
    measured = measure(Image.new("RGB", (300, 200), (10, 200, 30)))
    assert measured == Complexity(0.0, 0, 0.0)


def test_a_huge_picture_is_measured_on_a_reduced_copy() -> None:
    side = int(MAX_PIXELS**0.5) + 200
    assert measure(Image.new("RGB", (side, side))).edge_px == 0
