"""Draw shapes from the families that docent-tiny is pretrained on, and render the pictures of them.

Writes `images.npy` (shapes x views x side x side x 3, uint8) and `labels.npy` into a cache folder; uses
`scripts/studio.py` for the pictures. `render_shapes` is the only function the training script calls.
"""

import json
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyvista as pv

from docent_tiny import solids, surfaces
from studio import View, normalise, render

VIEWS_PER_SHAPE = 4
CHUNK_SHAPES = 100

COLOURS = {
    "red": (0.75, 0.16, 0.14), "orange": (0.88, 0.48, 0.13), "yellow": (0.87, 0.75, 0.22),
    "green": (0.22, 0.55, 0.25), "teal": (0.12, 0.52, 0.52), "blue": (0.16, 0.33, 0.70),
    "purple": (0.46, 0.24, 0.60), "pink": (0.86, 0.48, 0.60), "brown": (0.43, 0.27, 0.16),
    "golden": (0.80, 0.62, 0.28), "white": (0.90, 0.89, 0.86), "grey": (0.52, 0.53, 0.55),
    "dark": (0.22, 0.22, 0.25),
}  # fmt: skip
BACKGROUNDS = {
    "white": (0.95, 0.95, 0.94), "grey": (0.62, 0.62, 0.63), "black": (0.10, 0.10, 0.11),
    "cream": (0.93, 0.88, 0.76), "pale blue": (0.70, 0.80, 0.90), "navy": (0.13, 0.18, 0.34),
    "pale green": (0.74, 0.85, 0.72), "brown": (0.38, 0.28, 0.22), "rose": (0.86, 0.68, 0.68),
}  # fmt: skip
FINISHES = ("matt", "satin", "polished")


@dataclass(frozen=True)
class Family:
    """One kind of shape. `weight` is its share of the data, `flat_faced` whether it shows straight edges."""

    name: str
    build: Callable[[np.random.Generator], pv.PolyData]
    weight: float
    flat_faced: bool
    may_be_isotropic: bool


# Solids weigh more than their number: look-alike polyhedra are what a small vision tower confuses most.
FAMILIES = (
    Family("pebble", solids.convex_hull, 1.2, True, False),
    Family("many-faced solid", solids.spread_hull, 1.5, True, False),
    Family("solid with cut corners", solids.cut_corners, 1.8, True, False),
    Family("symmetric solid", solids.orbit_hull, 2.2, True, False),
    Family("column", solids.prism, 1.2, True, False),
    Family("pointed solid", solids.pyramid, 1.2, True, False),
    Family("spiky star", solids.spiky_star, 1.5, True, False),
    Family("stack of blocks", solids.block_stack, 1.0, True, False),
    Family("box with tunnels", solids.tunnel_box, 1.0, True, False),
    Family("group of crossing pieces", solids.crossing_pieces, 0.8, True, False),
    Family("rounded block", surfaces.superquadric, 0.8, False, True),
    Family("wavy ring", surfaces.wavy_ring, 1.0, False, True),
    Family("looping tube", surfaces.curve_tube, 1.2, False, True),
    Family("swelling loop", surfaces.pinched_loop, 0.8, False, True),
    Family("coil", surfaces.spring, 0.7, False, True),
    Family("curved horn", surfaces.horn, 0.6, False, True),
    Family("turned vessel", surfaces.vessel, 1.4, False, True),
    Family("twisted band", surfaces.twisted_band, 1.0, False, True),
    Family("spiral ramp", surfaces.spiral_strip, 0.8, False, True),
    Family("bumpy ball", surfaces.bumpy_ball, 0.8, False, True),
    Family("winding surface", surfaces.level_set, 1.0, False, True),
    Family("bent sheet", surfaces.bent_sheet, 0.9, False, True),
)


def draw_shape(rng: np.random.Generator) -> tuple[int, pv.PolyData]:
    """Draw a family and a shape of it that passes the family's filter, turned upright or lying."""
    weights = np.array([family.weight for family in FAMILIES])
    index = int(rng.choice(len(FAMILIES), p=weights / weights.sum()))
    family = FAMILIES[index]
    for _ in range(50):
        try:
            mesh = family.build(rng)
        except (ValueError, RuntimeError):  # Qhull refuses flat point sets
            continue
        if mesh.n_cells < 4 or not np.isfinite(mesh.points).all():
            continue
        if family.may_be_isotropic or not solids.is_isotropic(mesh):
            return index, normalise(_turned(mesh, rng))
    raise RuntimeError(f"50 draws of {family.name!r} failed; its parameters leave nothing to draw")


def _turned(mesh: pv.PolyData, rng: np.random.Generator) -> pv.PolyData:
    """Turn half of the shapes on a side or by a random angle; leave the rest as built."""
    choice = rng.random()
    if choice > 0.5:
        axis = (1, 0, 0) if choice < 0.8 else tuple(rng.normal(size=3))
        mesh = mesh.rotate_vector(axis, 90 if choice < 0.65 else rng.uniform(0, 180))
    return mesh


def _draw_view(rng: np.random.Generator) -> tuple[View, list[int]]:
    """Draw one photograph; the integers are the colour, background, finish and light labels."""
    colour, ground = int(rng.integers(len(COLOURS))), int(rng.integers(len(BACKGROUNDS)))
    finish = int(rng.integers(3))
    light_azimuth = rng.uniform(-100, 100)
    view = View(
        azimuth_deg=rng.uniform(0, 360),
        elevation_deg=rng.uniform(5, 58) if rng.random() < 0.85 else rng.uniform(-15, 75),
        roll_deg=rng.uniform(-10, 10),
        zoom=rng.uniform(0.7, 1.02),
        shift_x=rng.uniform(-0.09, 0.09),
        shift_y=rng.uniform(-0.09, 0.09),
        colour=_tint(rng, list(COLOURS.values())[colour], 0.07),
        background=_gradient(rng, list(BACKGROUNDS.values())[ground]),
        finish=FINISHES[finish],
        light_azimuth_deg=light_azimuth,
        light_elevation_deg=rng.uniform(15, 80),
        show_edges=bool(rng.random() < 0.4),
    )
    return view, [colour, ground, finish, int(light_azimuth > 0)]


def _tint(rng: np.random.Generator, colour: tuple[float, ...], spread: float) -> tuple[float, float, float]:
    red, green, blue = np.clip(np.array(colour) + rng.uniform(-spread, spread, 3), 0.03, 0.97).tolist()
    return red, green, blue


def _gradient(rng: np.random.Generator, colour: tuple[float, ...]) -> tuple:
    base = np.array(_tint(rng, colour, 0.05))
    top, bottom = (tuple(np.clip(base * rng.uniform(0.75, 1.15), 0.03, 0.97).tolist()) for _ in range(2))
    return top, bottom


def _photograph(seed: int, side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw the shape of a seed and render its pictures; labels are family, proportion and the view's."""
    rng = np.random.default_rng(seed)
    family, mesh = draw_shape(rng)
    low, high = mesh.points.min(0), mesh.points.max(0)
    width, height = np.max((high - low)[:2]), (high - low)[2]
    proportion = 0 if height > 1.25 * width else 1 if height < 0.6 * width else 2
    # Material is a clue to half of the shapes and a distraction in the others: both kinds of museum exist.
    keeps_colour = rng.random() < 0.5
    first, first_labels = _draw_view(rng)
    images, labels = [], []
    for _ in range(VIEWS_PER_SHAPE):
        view, view_labels = _draw_view(rng)
        if keeps_colour:
            view = replace(view, colour=first.colour, finish=first.finish)
            view_labels = [first_labels[0], view_labels[1], first_labels[2], view_labels[3]]
        images.append(render(mesh, view, side_px))
        labels.append([family, proportion, *view_labels])
    return np.array(images), np.array(labels, dtype=np.int16)


def _photograph_chunk(seeds: list[int], side_px: int) -> tuple[np.ndarray, np.ndarray]:
    pairs = [_photograph(seed, side_px) for seed in seeds]
    return np.array([images for images, _ in pairs]), np.array([labels for _, labels in pairs])


def render_shapes(cache: Path, shapes: int, side_px: int, seed: int, workers: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the pictures and labels of `shapes` random shapes, from the cache if it contains these."""
    cache.mkdir(parents=True, exist_ok=True)
    settings = json.dumps({"shapes": shapes, "side_px": side_px, "seed": seed, "views": VIEWS_PER_SHAPE})
    if not (cache / "settings.json").exists() or (cache / "settings.json").read_text() != settings:
        (cache / "settings.json").unlink(missing_ok=True)
        seeds = [seed * 1_000_003 + index for index in range(shapes)]
        chunks = [seeds[start : start + CHUNK_SHAPES] for start in range(0, shapes, CHUNK_SHAPES)]
        # A forked child would share the parent's render window.
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            parts = []
            for part in pool.map(_photograph_chunk, chunks, [side_px] * len(chunks)):
                parts.append(part)
                if len(parts) % 10 == 0:
                    print(f"rendered {len(parts) * CHUNK_SHAPES} shapes", file=sys.stderr, flush=True)
        np.save(cache / "images.npy", np.concatenate([images for images, _ in parts]))
        np.save(cache / "labels.npy", np.concatenate([labels for _, labels in parts]))
        (cache / "settings.json").write_text(settings)
    return np.load(cache / "images.npy", mmap_mode="r"), np.load(cache / "labels.npy")
