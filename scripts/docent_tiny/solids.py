"""Build random flat-faced shapes for pretraining docent-tiny: hulls, prisms, stars and stacks of blocks.

Reads and writes no files; used by `scripts/docent_tiny/shapes.py`. Every builder draws its parameters from the given
generator and returns triangles. `is_isotropic` is the rule that keeps regular solids out.
"""

import numpy as np
import pyvista as pv
from scipy.spatial import ConvexHull
from scipy.spatial.transform import Rotation

Rng = np.random.Generator

BAR_DIRECTIONS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1)], dtype=float)


def hull_mesh(points: np.ndarray) -> pv.PolyData:
    """Return the convex hull of the points, triangles wound outwards."""
    hull = ConvexHull(points)
    triangles = hull.simplices.copy()
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    inward = np.einsum("ij,ij->i", normals, hull.equations[:, :3]) < 0
    triangles[inward] = triangles[inward][:, ::-1]
    return pv.PolyData.from_regular_faces(points, triangles).clean()


def is_isotropic(mesh: pv.PolyData, tolerance: float = 1.15) -> bool:
    """Return whether the shape is equally wide in every direction, as all regular and semiregular solids are.

    The second moments of a Platonic, Archimedean or Catalan solid, of a regular star, and of a cube with the
    same holes on all sides are equal in all directions. Rejecting that property rejects those exhibits.
    """
    areas = mesh.compute_cell_sizes(length=False, volume=False)["Area"]
    centres = mesh.cell_centers().points
    offsets = centres - np.average(centres, axis=0, weights=areas)
    moments = np.linalg.eigvalsh((offsets * areas[:, None]).T @ offsets / areas.sum())
    return bool(moments[-1] < tolerance * moments[0])


def _polygon(rng: Rng, sides: int, jitter: float) -> np.ndarray:
    angles = 2 * np.pi * (np.arange(sides) + rng.uniform(-jitter, jitter, sides)) / sides
    radii = 1 + rng.uniform(-jitter, jitter, sides)
    return np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)


def _layer(outline: np.ndarray, height: float, scale: float = 1.0, turn: float = 0.0) -> np.ndarray:
    cos, sin = np.cos(turn), np.sin(turn)
    turned = outline @ np.array([[cos, sin], [-sin, cos]]) * scale
    return np.column_stack([turned, np.full(len(outline), height)])


def convex_hull(rng: Rng) -> pv.PolyData:
    """Build the hull of a few random points: an irregular faceted pebble."""
    points = rng.normal(size=(int(rng.integers(5, 22)), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True) ** rng.uniform(0.5, 1.0)
    return hull_mesh(points * rng.uniform(0.5, 1.0, 3))


def spread_hull(rng: Rng) -> pv.PolyData:
    """Build the hull of points pushed apart on a ball, then stretched: many faces of similar size."""
    points = rng.normal(size=(int(rng.integers(5, 34)), 3))
    for _ in range(40):
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        gaps = points[:, None] - points[None]
        distance = np.linalg.norm(gaps, axis=2, keepdims=True) + np.eye(len(points))[:, :, None]
        points = points + 0.1 * (gaps / distance**3).sum(1) / len(points) * 4
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    return hull_mesh(points * np.array([1, rng.uniform(0.7, 1.0), rng.uniform(0.5, 0.85)]))


def cut_corners(rng: Rng) -> pv.PolyData:
    """Build a random hull with every corner cut off at a random depth."""
    mesh = (convex_hull, spread_hull, prism)[int(rng.integers(3))](rng)
    corners = mesh.points[mesh.regular_faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-9
    owners: dict[tuple[int, int], list[int]] = {}
    for index, face in enumerate(mesh.regular_faces):
        for first, second in ((0, 1), (1, 2), (2, 0)):
            owners.setdefault((min(face[first], face[second]), max(face[first], face[second])), []).append(index)
    depth = rng.uniform(0.15, 0.5)
    points = []
    for (first, second), pair in owners.items():
        # An edge between two coplanar triangles is no edge of the solid.
        if len(pair) == 2 and normals[pair[0]] @ normals[pair[1]] < 0.999:
            a, b = mesh.points[first], mesh.points[second]
            points += [a + depth * (b - a), b + depth * (a - b)]
    return hull_mesh(np.array(points, dtype=float))


def orbit_hull(rng: Rng) -> pv.PolyData:
    """Build the hull of points repeated by a rotation group, stretched: symmetric looking, never regular."""
    group = Rotation.create_group(("T", "O", "I", "D4", "D5", "D6", "D3")[int(rng.integers(7))]).as_matrix()
    seeds = rng.normal(size=(int(rng.integers(1, 3)), 3))
    seeds /= np.linalg.norm(seeds, axis=1, keepdims=True)
    points = np.concatenate([group @ seed * rng.uniform(0.85, 1.15) for seed in seeds])
    return hull_mesh(points * np.array([1, rng.uniform(0.75, 1.0), rng.uniform(0.55, 0.8)]))


def prism(rng: Rng) -> pv.PolyData:
    """Build a prism, antiprism or frustum over an uneven polygon."""
    sides = int(rng.integers(3, 10))
    outline = _polygon(rng, sides, rng.uniform(0.03, 0.2))
    turn = np.pi / sides * rng.choice([0.0, 0.0, 1.0])
    height = rng.uniform(0.4, 3.0)
    top = rng.choice([1.0, rng.uniform(0.35, 0.8)])
    points = np.concatenate([_layer(outline, 0), _layer(outline, height, top, turn)])
    points[:, 0] += points[:, 2] * rng.choice([0.0, rng.uniform(0, 0.4)])
    return hull_mesh(points)


def pyramid(rng: Rng) -> pv.PolyData:
    """Build a pyramid or double pyramid over an uneven polygon, sometimes on a prism."""
    outline = _polygon(rng, int(rng.integers(3, 10)), rng.uniform(0.03, 0.2))
    apex = np.array([[*rng.uniform(-0.25, 0.25, 2), rng.uniform(0.6, 2.2)]])
    parts = [_layer(outline, 0), apex]
    kind = int(rng.integers(3))
    if kind == 1:
        parts.append(np.array([[*rng.uniform(-0.25, 0.25, 2), -rng.uniform(0.4, 2.0)]]))
    elif kind == 2:
        parts.append(_layer(outline, -rng.uniform(0.3, 1.2), rng.uniform(0.75, 1.1)))
    return hull_mesh(np.concatenate(parts))


def spiky_star(rng: Rng) -> pv.PolyData:
    """Build a hull with a spike on each face; spike lengths differ."""
    core = (spread_hull, convex_hull, orbit_hull, prism)[int(rng.integers(4))](rng)
    core.points -= core.points.mean(0)
    faces = core.regular_faces
    centres = core.points[faces].mean(1)
    length = rng.uniform(1.4, 2.6)
    tips = centres * length * (1 + rng.uniform(-0.25, 0.25, (len(faces), 1)))
    tip_index = len(core.points) + np.arange(len(faces))
    sides = [np.stack([faces[:, a], faces[:, b], tip_index], 1) for a, b in ((0, 1), (1, 2), (2, 0))]
    return pv.PolyData.from_regular_faces(np.concatenate([core.points, tips]), np.concatenate(sides))


def voxel_surface(filled: np.ndarray, spacing: np.ndarray) -> pv.PolyData:
    """Return the outer faces of the filled cells."""
    image = pv.ImageData(dimensions=np.array(filled.shape) + 1, spacing=spacing)
    image.cell_data["filled"] = filled.ravel(order="F").astype(np.uint8)
    return image.threshold(0.5, scalars="filled").extract_surface(algorithm="dataset_surface").triangulate().clean()


def block_stack(rng: Rng) -> pv.PolyData:
    """Build a connected stack of blocks."""
    size = int(rng.integers(3, 5))
    filled = np.zeros((size, size, size + 1), dtype=bool)
    cells = [tuple(rng.integers(0, size, 3))]
    wanted = int(rng.integers(4, 16))
    while len(cells) < wanted:
        step = BAR_DIRECTIONS[int(rng.integers(3))] * rng.choice([-1, 1])
        cell = tuple((np.array(cells[int(rng.integers(len(cells)))]) + step).astype(int))
        if all(0 <= c < s for c, s in zip(cell, filled.shape, strict=True)) and cell not in cells:
            cells.append(cell)
    for cell in cells:
        filled[cell] = True
    return voxel_surface(filled, rng.uniform(0.7, 1.2, 3))


def tunnel_box(rng: Rng) -> pv.PolyData:
    """Build a box of unequal sides with straight tunnels."""
    shape = rng.integers(5, 12, 3)
    filled = np.ones(tuple(shape), dtype=bool)
    for _ in range(int(rng.integers(2, 10))):
        axis = int(rng.integers(3))
        low = [int(rng.integers(1, side - 2)) for side in shape]
        cut = [slice(a, min(a + int(rng.integers(1, 4)), s - 1)) for a, s in zip(low, shape, strict=True)]
        cut[axis] = slice(None)
        filled[tuple(cut)] = False
    return voxel_surface(filled, rng.uniform(0.8, 1.25, 3))


def crossing_pieces(rng: Rng) -> pv.PolyData:
    """Build bars, plates and rings that pass through one another."""
    pieces = []
    for _ in range(int(rng.integers(2, 6))):
        kind = int(rng.integers(3))
        if kind == 0:
            x, y, z = rng.uniform(0.12, 0.35, 2).tolist() + [rng.uniform(1.2, 2.4)]
            piece = pv.Cube(x_length=x, y_length=y, z_length=z)
        elif kind == 1:
            piece = pv.Cylinder(radius=rng.uniform(0.5, 1.0), height=rng.uniform(0.08, 0.2), resolution=40)
        else:
            piece = pv.ParametricTorus(
                ringradius=rng.uniform(0.6, 0.95), crosssectionradius=rng.uniform(0.08, 0.2),
                u_res=48, v_res=16, w_res=2,
            )  # fmt: skip
        piece = piece.triangulate()
        turn = Rotation.random(random_state=int(rng.integers(2**31))).as_matrix()
        piece.points = piece.points @ turn.T + rng.uniform(-0.3, 0.3, 3)
        pieces.append(piece)
    return pv.merge(pieces)
