"""Photograph the sample museum, "a cabinet of mathematical forms".

Reads `samples/museum/raw_data.csv`, the only source of names, links and descriptions, and writes
`samples/museum/images/<item_name>-<k>.jpg`, 14 photographs of each of the 20 exhibits, then rewrites the
three image columns of the same file. The same seed with the same VTK and Mesa gives the same pictures.

Run it (see `studio.py` for the requirements of a machine without a screen):

    python scripts/render-museum.py
    python scripts/render-museum.py --check    # measure the forms and check the descriptions, draw nothing
"""

from __future__ import annotations

import argparse
import csv
import math
import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import pyvista
from PIL import Image
from scipy.spatial import ConvexHull

from studio import Colour, Finish, View, normalise, render

MUSEUM = Path(__file__).resolve().parent.parent / "samples" / "museum"
COLUMNS = ["item_id", "item_name", "link", "train_images", "validation_images", "test_images", "description"]
PHOTOGRAPHS = 14
TRAIN, VALIDATION = 10, 1  # the rest is for testing
SIDE_PX = 192
JPEG_QUALITY = 88
HIGHEST_DEG = 52.0
PHI = (1 + math.sqrt(5)) / 2

Range = tuple[float, float]
Coordinates = tuple[np.ndarray, np.ndarray, np.ndarray]
Points = list[tuple[float, float, float]]
Face = tuple[np.ndarray, float, np.ndarray]  # outward unit normal, distance from the origin, corners in order

# Each exhibit keeps its material, as a real one would. Four exhibits share each.
MATERIALS: dict[str, tuple[Colour, Finish]] = {
    "terracotta": ((0.80, 0.42, 0.28), "matt"),
    "brass": ((0.84, 0.65, 0.24), "polished"),
    "jade": ((0.30, 0.64, 0.50), "satin"),
    "ivory": ((0.92, 0.88, 0.79), "matt"),
    "cobalt": ((0.26, 0.42, 0.76), "polished"),
}

# Top and bottom of the frame: walls and floors.
BACKGROUNDS: list[tuple[Colour, Colour]] = [
    ((0.90, 0.89, 0.86), (0.68, 0.67, 0.65)),  # white wall
    ((0.80, 0.83, 0.79), (0.56, 0.60, 0.56)),  # sage
    ((0.66, 0.73, 0.80), (0.44, 0.50, 0.57)),  # pale blue
    ((0.82, 0.73, 0.68), (0.60, 0.51, 0.47)),  # old rose
    ((0.87, 0.81, 0.68), (0.64, 0.57, 0.44)),  # sand
    ((0.50, 0.53, 0.57), (0.33, 0.35, 0.39)),  # slate
    ((0.44, 0.30, 0.32), (0.30, 0.21, 0.23)),  # burgundy
    ((0.28, 0.40, 0.38), (0.20, 0.28, 0.27)),  # library green
    ((0.62, 0.60, 0.68), (0.42, 0.40, 0.48)),  # lavender
]
LEAST_CONTRAST = 0.24  # between the object and the middle of the background


# ---- Ways to build a form ------------------------------------------------------------------------------


def faces_of(points: Points) -> list[Face]:
    """Return the flat faces of a convex hull, with coplanar triangles merged."""
    cloud = np.array(points, dtype=float)
    hull = ConvexHull(cloud)
    planes: dict[tuple[float, ...], set[int]] = {}
    for equation, simplex in zip(hull.equations, hull.simplices, strict=True):
        planes.setdefault(tuple(np.round(equation, 6)), set()).update(simplex.tolist())
    faces = []
    for plane, corners in sorted(planes.items()):
        normal = np.array(plane[:3])
        ring = cloud[sorted(corners)]
        centre = ring.mean(axis=0)
        across = ring[0] - centre
        angle = np.arctan2((ring - centre) @ np.cross(normal, across), (ring - centre) @ across)
        faces.append((normal, -plane[3], ring[np.argsort(angle)]))
    return faces


def solid(points: Points) -> pyvista.PolyData:
    """Build the convex polyhedron with these corners, standing on one of its largest faces."""
    faces = faces_of(points)
    rings = [ring for _, _, ring in faces]
    largest = max(faces, key=lambda face: round(polygon_area(face[2]), 6))
    return stand_on(polygons(rings), largest[0])


def stellated(points: Points, reach: float) -> pyvista.PolyData:
    """Build a pyramid on every face of the hull, its tip at `reach` times the distance of the face."""
    faces = faces_of(points)
    rings, tips = [], []
    for normal, distance, ring in faces:
        tips.append(reach * distance * normal)
        rings += [np.array([ring[k - 1], ring[k], tips[-1]]) for k in range(len(ring))]
    return stand_on(polygons(rings), faces_of([tuple(tip) for tip in tips])[0][0])


def polygon_area(ring: np.ndarray) -> float:
    """Return the area of a flat convex polygon."""
    spokes = ring - ring[0]
    return float(np.linalg.norm(np.cross(spokes[:-1], spokes[1:]).sum(axis=0))) / 2


def polygons(rings: Sequence[np.ndarray]) -> pyvista.PolyData:
    """Build a mesh of flat faces and merge their common corners."""
    cells, start = [], 0
    for ring in rings:
        cells += [len(ring), *range(start, start + len(ring))]
        start += len(ring)
    return pyvista.PolyData(np.vstack(rings), faces=cells).clean(tolerance=1e-6)


def stand_on(mesh: pyvista.PolyData, normal: np.ndarray) -> pyvista.PolyData:
    """Turn the mesh so that the face with this outward normal points down."""
    down = np.array([0.0, 0.0, -1.0])
    axis = np.cross(normal, down)
    if np.linalg.norm(axis) < 1e-9:
        return mesh
    angle = math.degrees(math.acos(np.clip(normal @ down, -1, 1)))
    return mesh.rotate_vector(axis, angle, inplace=False)


def sheet(shape: Callable[..., Coordinates], u: Range, v: Range, n: tuple[int, int]) -> pyvista.PolyData:
    """Build the surface (x, y, z) = shape(u, v) and merge borders that meet."""
    us, vs = np.meshgrid(np.linspace(*u, n[0]), np.linspace(*v, n[1]), indexing="ij")
    x, y, z = (np.broadcast_to(part, us.shape) for part in shape(us, vs))
    grid = pyvista.StructuredGrid(x.copy(), y.copy(), z.copy())
    return grid.extract_surface(algorithm="dataset_surface").clean(tolerance=1e-5)


def tube(curve: Callable[..., Coordinates], radius: float) -> pyvista.PolyData:
    """Build a round rod along the closed curve (x, y, z) = curve(t), t from 0 to 2 pi."""
    t = np.linspace(0, 2 * np.pi, 181)
    line = np.column_stack(np.broadcast_arrays(*curve(t)))
    ahead = np.roll(line[:-1], -1, axis=0) - np.roll(line[:-1], 1, axis=0)
    ahead = np.vstack([ahead, ahead[:1]])
    ahead /= np.linalg.norm(ahead, axis=1, keepdims=True)
    # A fixed direction never parallel to the curve gives a frame that closes without a twist.
    upward = np.cross(ahead, np.cross([0.31, 0.52, 0.79], ahead))
    upward /= np.linalg.norm(upward, axis=1, keepdims=True)
    sideways = np.cross(ahead, upward)
    turn = np.linspace(0, 2 * np.pi, 25)
    rings = line[:, None] + radius * (
        np.cos(turn)[:, None] * upward[:, None] + np.sin(turn)[:, None] * sideways[:, None]
    )
    grid = pyvista.StructuredGrid(*(rings[..., k].copy() for k in range(3)))
    return grid.extract_surface(algorithm="dataset_surface").clean(tolerance=1e-5)


def signs(*corner: float) -> Points:
    """Return a corner with every choice of signs and every cyclic order of its coordinates."""
    x, y, z = corner
    found = {
        (i * a, j * b, k * c)
        for i, j, k in product((1.0, -1.0), repeat=3)
        for a, b, c in ((x, y, z), (y, z, x), (z, x, y))
    }
    return sorted(found)


# ---- The twenty forms ----------------------------------------------------------------------------------

CUBE = signs(1, 1, 1)
OCTAHEDRON = signs(1, 0, 0)
ICOSAHEDRON = signs(0, 1, PHI)
DODECAHEDRON = signs(1, 1, 1) + signs(0, 1 / PHI, PHI)
SOCCER_BALL = signs(0, 1, 3 * PHI) + signs(1, 2 + PHI, 2 * PHI) + signs(PHI, 2, 2 * PHI + 1)


GYROID_REACH = 1.25 * math.pi
GYROID_HALF_WALL = 0.4


def borromean_rings() -> pyvista.PolyData:
    """Build three equal ellipses, each at right angles to the other two."""
    first = tube(lambda t: (np.cos(t), 0.56 * np.sin(t), 0 * t), 0.105)
    second = tube(lambda t: (0 * t, np.cos(t), 0.56 * np.sin(t)), 0.105)
    third = tube(lambda t: (0.56 * np.sin(t), 0 * t, np.cos(t)), 0.105)
    return pyvista.merge([first, second, third]).extract_surface(algorithm="dataset_surface")


def double_cone() -> pyvista.PolyData:
    """Build two closed cones, tip to tip."""
    profile = np.array([[0, -1.25], [0.95, -1.25], [0, 0], [0.95, 1.25], [0, 1.25]])
    return sheet(
        lambda s, a: (
            np.interp(s, range(5), profile[:, 0]) * np.cos(a),
            np.interp(s, range(5), profile[:, 0]) * np.sin(a),
            np.interp(s, range(5), profile[:, 1]),
        ),
        (0, 4), (0, 2 * np.pi), (21, 97),
    )  # fmt: skip


def gyroid() -> pyvista.PolyData:
    """Build a cubic piece of the gyroid with a thick wall, one and a quarter periods wide."""
    n = 57
    axis = np.linspace(-GYROID_REACH, GYROID_REACH, n)
    x, y, z = np.meshgrid(axis, axis, axis, indexing="ij")
    field = np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)
    grid = pyvista.ImageData(dimensions=(n, n, n), spacing=(2 * GYROID_REACH / (n - 1),) * 3)
    grid["distance"] = np.abs(field).ravel(order="F")
    wall = grid.clip_scalar(scalars="distance", value=GYROID_HALF_WALL)
    return wall.extract_surface(algorithm="dataset_surface").clean(tolerance=1e-5)


def helicoid() -> pyvista.PolyData:
    """Build a spiral ramp of one and a half turns."""
    return sheet(lambda r, t: (r * np.cos(t), r * np.sin(t), 0.27 * t), (-1, 1), (0, 3 * np.pi), (41, 181))


def hyperboloid() -> pyvista.PolyData:
    """Build one sheet, its rims 1.8 times as wide as its waist."""
    return sheet(
        lambda z, a: (np.hypot(1, z) * np.cos(a), np.hypot(1, z) * np.sin(a), 1.5 * z),
        (-1.5, 1.5), (0, 2 * np.pi), (61, 121),
    )  # fmt: skip


def klein_bottle() -> pyvista.PolyData:
    """Build the classic bottle, lying so that its loop can be seen from all around."""
    return pyvista.ParametricKlein(u_res=140, v_res=70).clean(tolerance=1e-5)


def menger_sponge() -> pyvista.PolyData:
    """Build two iterations, which leave 400 of 729 small blocks."""
    x, y, z = np.indices((9, 9, 9))
    filled = ~is_tunnel(x % 3, y % 3, z % 3) & ~is_tunnel(x // 3, y // 3, z // 3)
    grid = pyvista.ImageData(dimensions=(10, 10, 10))
    grid["filled"] = filled.ravel(order="F").astype(np.uint8)
    return grid.threshold(0.5, scalars="filled").extract_surface(algorithm="dataset_surface")


def is_tunnel(x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Mark 7 of a block's 27 parts: the middle of each side and the centre."""
    return (x == 1).astype(int) + (y == 1) + (z == 1) >= 2


def mobius_strip() -> pyvista.PolyData:
    """Build a band with one half twist."""
    return sheet(
        lambda u, v: (
            (1 + v * np.cos(u / 2)) * np.cos(u), (1 + v * np.cos(u / 2)) * np.sin(u), v * np.sin(u / 2)
        ),
        (0, 2 * np.pi), (-0.42, 0.42), (181, 15),
    )  # fmt: skip


def monkey_saddle() -> pyvista.PolyData:
    """Build a round piece of the graph of x^3 - 3 x y^2."""
    return sheet(
        lambda r, a: (r * np.cos(a), r * np.sin(a), 0.55 * r**3 * np.cos(3 * a)),
        (0, 1), (0, 2 * np.pi), (41, 121),
    )  # fmt: skip


def torus() -> pyvista.PolyData:
    """Build a ring whose large radius is 2.5 times the radius of its tube."""
    return sheet(
        lambda u, v: ((1 + 0.4 * np.cos(v)) * np.cos(u), (1 + 0.4 * np.cos(v)) * np.sin(u), 0.4 * np.sin(v)),
        (0, 2 * np.pi), (0, 2 * np.pi), (121, 49),
    )  # fmt: skip


def trefoil_knot() -> pyvista.PolyData:
    """Build a thick rod along the usual trigonometric trefoil."""
    return tube(lambda t: (np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t), -1.1 * np.sin(3 * t)), 0.52)


@dataclass(frozen=True)
class Form:
    """The builder and material of an exhibit, and the lowest camera that still shows its shape."""

    build: Callable[[], pyvista.PolyData]
    material: str
    lowest_deg: float = 8.0
    show_edges: bool = False


FORMS: dict[str, Form] = {
    "borromean-rings": Form(borromean_rings, "brass"),
    "cube": Form(lambda: solid(CUBE), "terracotta", show_edges=True),
    "dodecahedron": Form(lambda: solid(DODECAHEDRON), "terracotta", show_edges=True),
    "double-cone": Form(double_cone, "brass"),
    "gyroid": Form(gyroid, "jade"),
    "helicoid": Form(helicoid, "brass"),
    "hyperboloid": Form(hyperboloid, "cobalt"),
    "icosahedron": Form(lambda: solid(ICOSAHEDRON), "brass", show_edges=True),
    "klein-bottle": Form(klein_bottle, "jade", lowest_deg=24),
    "menger-sponge": Form(menger_sponge, "ivory"),
    "mobius-strip": Form(mobius_strip, "jade", lowest_deg=20),
    "monkey-saddle": Form(monkey_saddle, "terracotta", lowest_deg=20),
    "octahedron": Form(lambda: solid(OCTAHEDRON), "jade", show_edges=True),
    "rhombic-dodecahedron": Form(lambda: solid(CUBE + signs(2, 0, 0)), "cobalt", show_edges=True),
    "small-stellated-dodecahedron": Form(lambda: stellated(DODECAHEDRON, math.sqrt(5)), "cobalt", show_edges=True),
    "stella-octangula": Form(lambda: stellated(OCTAHEDRON, 3), "terracotta", show_edges=True),
    "tetrahedron": Form(lambda: solid([p for p in CUBE if math.prod(p) > 0]), "ivory", show_edges=True),
    "torus": Form(torus, "cobalt", lowest_deg=18),
    "trefoil-knot": Form(trefoil_knot, "ivory", lowest_deg=20),
    "truncated-icosahedron": Form(lambda: solid(SOCCER_BALL), "ivory", show_edges=True),
}


# ---- Photographs ---------------------------------------------------------------------------------------


def views(form: Form, rng: np.random.Generator) -> list[View]:
    """Draw fourteen views from all around, in random order, so that every split covers every side."""
    colour, finish = MATERIALS[form.material]
    walls = [wall for wall in BACKGROUNDS if _contrast(wall, colour) > LEAST_CONTRAST]
    slots = np.arange(PHOTOGRAPHS)
    azimuths = rng.permutation((slots + rng.uniform(0, 0.8, PHOTOGRAPHS)) * 360 / PHOTOGRAPHS)
    heights = rng.permutation((slots + rng.random(PHOTOGRAPHS)) / PHOTOGRAPHS)
    papers = rng.permutation(slots % len(walls))
    chosen = []
    for azimuth, height, paper in zip(azimuths, heights, papers, strict=True):
        zoom = rng.uniform(0.84, 0.97)
        room = (0.98 - zoom) / 2
        chosen.append(
            View(
                azimuth_deg=float(azimuth),
                elevation_deg=float(form.lowest_deg + height * (HIGHEST_DEG - form.lowest_deg)),
                roll_deg=rng.uniform(-4, 4),
                zoom=zoom,
                shift_x=rng.uniform(-room, room),
                shift_y=rng.uniform(-room, room),
                colour=colour,
                background=_lit(walls[paper], rng.uniform(0.94, 1.06)),
                finish=finish,
                light_azimuth_deg=rng.uniform(-70, 70),
                light_elevation_deg=rng.uniform(32, 65),
                show_edges=form.show_edges,
            )
        )
    return chosen


def _lit(wall: tuple[Colour, Colour], brightness: float) -> tuple[Colour, Colour]:
    def shade(colour: Colour) -> Colour:
        red, green, blue = (min(1.0, brightness * channel) for channel in colour)
        return red, green, blue

    return shade(wall[0]), shade(wall[1])


def _contrast(wall: tuple[Colour, Colour], colour: Colour) -> float:
    return float(np.linalg.norm(np.mean(wall, axis=0) - 0.9 * np.array(colour)))


def photograph(names: Sequence[str], seed: int, folder: Path) -> int:
    """Write every photograph; return the number of bytes written."""
    folder.mkdir(parents=True, exist_ok=True)
    written = 0
    for number, name in enumerate(names):
        mesh = normalise(FORMS[name].build())
        for k, view in enumerate(views(FORMS[name], np.random.default_rng([seed, number])), start=1):
            path = folder / f"{name}-{k}.jpg"
            Image.fromarray(render(mesh, view, SIDE_PX)).save(path, quality=JPEG_QUALITY, optimize=True)
            written += path.stat().st_size
    return written


# ---- The catalogue -------------------------------------------------------------------------------------


def read_catalogue(path: Path) -> list[dict[str, str]]:
    """Read the rows of the museum's table."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def write_catalogue(path: Path, rows: list[dict[str, str]]) -> None:
    """Rewrite the table with its image columns filled in; keep all other columns."""
    for row in rows:
        files = [f"{row['item_name']}-{k}.jpg" for k in range(1, PHOTOGRAPHS + 1)]
        row["train_images"] = "\n".join(files[:TRAIN])
        row["validation_images"] = "\n".join(files[TRAIN : TRAIN + VALIDATION])
        row["test_images"] = "\n".join(files[TRAIN + VALIDATION :])
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def first_named(sentence: str, names: Iterable[str]) -> str:
    """Return the exhibit that a sentence names first; on a tie, the longer name."""
    found = [(match.start(), -len(name), name) for name in names if (match := _find(name, sentence))]
    return min(found)[2] if found else ""


def _find(name: str, sentence: str) -> re.Match[str] | None:
    return re.search(rf"\b{name}", sentence, re.IGNORECASE)


def check_descriptions(rows: list[dict[str, str]]) -> list[str]:
    """List sentences that are too long or do not name their exhibit before any other."""
    names = {row["item_name"]: row["item_name"].replace("-", " ") for row in rows}
    faults = [f"{name}: no such row" for name in FORMS if name not in names]
    for row in rows:
        sentences = re.split(r"(?<=[.])\s+", row["description"].strip())
        words = len(row["description"].split())
        if not (7 <= len(sentences) <= 11 and 100 <= words <= 200):
            faults.append(f"{row['item_name']}: {len(sentences)} sentences, {words} words")
        for sentence in sentences:
            if first_named(sentence, names.values()) != names[row["item_name"]] or not (
                8 <= len(sentence.split()) <= 28
            ):
                faults.append(f"{row['item_name']}: {sentence}")
    return faults


def measure(name: str) -> str:
    """Return a mesh's element counts and the angles between neighbouring faces, for checking the texts."""
    mesh = FORMS[name].build()
    normals = mesh.compute_normals(point_normals=False, auto_orient_normals=True).cell_normals
    corners: dict[tuple[int, int], list[int]] = {}
    for k, cell in enumerate(mesh.irregular_faces):
        for edge in zip(cell, np.roll(cell, -1), strict=True):
            corners.setdefault((min(edge), max(edge)), []).append(k)
    cosines = [np.clip(normals[a] @ normals[b], -1, 1) for a, b in corners.values()]
    angles = sorted({round(180 - math.degrees(math.acos(cosine)), 2) for cosine in cosines})
    points = np.asarray(mesh.points, dtype=float)
    edge = np.mean([np.linalg.norm(points[a] - points[b]) for a, b in corners])
    size = f"V {mesh.n_points} E {len(corners)} F {mesh.n_cells}, angles {angles}"
    return f"{name}: {size}, volume / edge^3 {mesh.triangulate().volume / edge**3:.4f}"


def main() -> int:
    """Measure and check, or photograph."""
    parser = argparse.ArgumentParser(description="Photograph the sample museum.")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--images", type=Path, default=MUSEUM / "images", help="folder for the photographs")
    parser.add_argument("--check", action="store_true", help="only measure the forms and check the texts")
    arguments = parser.parse_args()
    catalogue = MUSEUM / "raw_data.csv"
    rows = read_catalogue(catalogue)
    faults = check_descriptions(rows)
    for fault in faults:
        print(fault, file=sys.stderr)
    if arguments.check:
        print("\n".join(measure(name) for name in FORMS if FORMS[name].show_edges))
    elif not faults:
        written = photograph([row["item_name"] for row in rows], arguments.seed, arguments.images)
        write_catalogue(catalogue, rows)
        print(f"{len(rows)} exhibits, {len(rows) * PHOTOGRAPHS} photographs, {written / 1e6:.2f} MB")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
