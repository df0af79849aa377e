"""Build random curved shapes for pretraining docent-tiny: tubes, rings, vessels, bands, sheets and level sets.

Reads and writes no files; used by `scripts/docent_tiny/shapes.py`. The builders avoid the forms of the sample museum,
so that the model has never seen one; their docstrings say how.
"""

import numpy as np
import pyvista as pv

Rng = np.random.Generator

FAMOUS_KNOTS = ((2, 3), (3, 2))


def grid_mesh(points: np.ndarray) -> pv.PolyData:
    """Return a triangulated surface over a rows x columns x 3 grid of points."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = (
        index[:-1, :-1].ravel(),
        index[:-1, 1:].ravel(),
        index[1:, 1:].ravel(),
        index[1:, :-1].ravel(),
    )
    faces = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    return pv.PolyData.from_regular_faces(points.reshape(-1, 3), faces).clean(tolerance=1e-6)


def tube_mesh(curve: np.ndarray, radius: np.ndarray, closed: bool, sides: int = 18) -> pv.PolyData:
    """Sweep a circle of varying radius along a curve with a frame that does not spin."""
    ahead = np.roll(curve, -1, 0) - np.roll(curve, 1, 0) if closed else np.gradient(curve, axis=0)
    tangent = ahead / (np.linalg.norm(ahead, axis=1, keepdims=True) + 1e-9)
    normal = np.zeros_like(curve)
    start = np.cross(tangent[0], (0.31, 0.52, 0.79))
    normal[0] = start / np.linalg.norm(start)
    for i in range(1, len(curve)):
        moved = normal[i - 1] - tangent[i] * (normal[i - 1] @ tangent[i])
        normal[i] = moved / (np.linalg.norm(moved) + 1e-9)
    binormal = np.cross(tangent, normal)
    angle = np.linspace(0, 2 * np.pi, sides + 1)[None, :, None]
    rings = normal[:, None] * np.cos(angle) + binormal[:, None] * np.sin(angle)
    points = curve[:, None] + radius[:, None, None] * rings
    if not closed:
        caps = np.repeat(curve[[0, -1], None], sides + 1, axis=1)
        points = np.concatenate([caps[:1], points, caps[1:]])
        return grid_mesh(points)
    surface = grid_mesh(points)
    # The frame comes back turned, so the seam joins by a loft of its own rather than vertex to vertex.
    shift = int(np.argmin(np.linalg.norm(points[0, :-1] - points[-1, 0], axis=1)))
    seam = np.stack([points[-1], np.roll(points[0, :-1], -shift, 0)[np.arange(sides + 1) % sides]])
    return pv.merge([surface, grid_mesh(seam)]).clean(tolerance=1e-6)


def _wave(rng: Rng, t: np.ndarray, terms: int, low: float, high: float) -> np.ndarray:
    total = np.zeros_like(t)
    for _ in range(terms):
        total = total + rng.uniform(low, high) * np.sin(int(rng.integers(1, 7)) * t + rng.uniform(0, 2 * np.pi))
    return total


def superquadric(rng: Rng) -> pv.PolyData:
    """Build a rounded box, pinched lens or pillow; exponents away from 1, so never an ellipsoid."""
    east, north = (rng.choice([rng.uniform(0.2, 0.75), rng.uniform(1.35, 2.6)]) for _ in range(2))
    u, v = np.meshgrid(np.linspace(-np.pi, np.pi, 65), np.linspace(-np.pi / 2, np.pi / 2, 49), indexing="ij")

    def power(x: np.ndarray, exponent: float) -> np.ndarray:
        return np.sign(x) * np.abs(x) ** exponent

    x = power(np.cos(v), north) * power(np.cos(u), east)
    y = power(np.cos(v), north) * power(np.sin(u), east)
    return grid_mesh(np.stack([x, y, power(np.sin(v), north)], -1) * rng.uniform(0.5, 1.0, 3))


def wavy_ring(rng: Rng) -> pv.PolyData:
    """Build a ring of changing thickness or height; waves of at least 20 %, so never a plain ring."""
    t = np.linspace(0, 2 * np.pi, 121)[:-1]
    lobes = int(rng.integers(2, 9))
    depth = rng.uniform(0.2, 0.5)
    kind = int(rng.integers(3))
    radius = np.full_like(t, rng.uniform(0.15, 0.38))
    distance, height = np.ones_like(t), np.zeros_like(t)
    if kind == 0:
        radius = radius * (1 + depth * np.cos(lobes * t))
    elif kind == 1:
        distance = distance + depth * 0.7 * np.cos(lobes * t)
    else:
        height = depth * np.cos(max(2, lobes // 2) * t)
    curve = np.stack([distance * np.cos(t) * rng.uniform(0.7, 1), distance * np.sin(t), height], 1)
    return tube_mesh(curve, radius, closed=True)


def curve_tube(rng: Rng) -> pv.PolyData:
    """Build a tube along a closed random curve or a rarer torus knot; the trefoil is left out."""
    t = np.linspace(0, 2 * np.pi, 241)[:-1]
    if rng.random() < 0.4:
        turns, loops = 2, 3
        while (turns, loops) in FAMOUS_KNOTS or np.gcd(turns, loops) != 1:
            turns, loops = (int(n) for n in rng.integers(2, 6, 2))
        distance = 1 + rng.uniform(0.3, 0.5) * np.cos(loops * t)
        height = rng.uniform(0.3, 0.6) * np.sin(loops * t)
        curve = np.stack([distance * np.cos(turns * t), distance * np.sin(turns * t), height], 1)
    else:
        curve = np.stack([_wave(rng, t, 3, 0.2, 0.8) for _ in range(3)], 1) * [1, 1, rng.uniform(0.4, 1)]
    spread = np.abs(curve).max()
    return tube_mesh(curve, np.full(len(t), rng.uniform(0.05, 0.13) * spread), closed=True, sides=12)


def pinched_loop(rng: Rng) -> pv.PolyData:
    """Build a closed tube whose thickness changes several fold along a nearly flat loop."""
    t = np.linspace(0, 2 * np.pi, 161)[:-1]
    squeeze = rng.uniform(0.2, 0.9)
    curve = np.stack(
        [np.cos(t) * rng.uniform(0.5, 1), np.sin(t) * (1 - squeeze * np.cos(t)), _wave(rng, t, 2, 0, 0.25)], 1
    )
    lumps = int(rng.integers(1, 4))
    radius = rng.uniform(0.12, 0.3) * (1 + rng.uniform(0.45, 0.85) * np.cos(lumps * t + rng.uniform(0, 6.3)))
    return tube_mesh(curve, radius, closed=True)


def spring(rng: Rng) -> pv.PolyData:
    """Build a coil of wire, straight or tapering."""
    turns = rng.uniform(2, 7)
    t = np.linspace(0, 1, int(40 * turns))
    distance = 1 + rng.choice([0.0, rng.uniform(-0.7, 0.7)]) * t
    angle = 2 * np.pi * turns * t
    curve = np.stack([distance * np.cos(angle), distance * np.sin(angle), rng.uniform(1.2, 4) * t], 1)
    return tube_mesh(curve, np.full(len(t), rng.uniform(0.07, 0.2)), closed=False, sides=12)


def horn(rng: Rng) -> pv.PolyData:
    """Build a bent, tapering horn; always bent, so never a straight cone."""
    t = np.linspace(0, 1, 60)
    angle = rng.uniform(0.7, 4.5) * t
    curve = np.stack([np.cos(angle), np.sin(angle), rng.uniform(0, 1.2) * t], 1)
    radius = rng.uniform(0.2, 0.45) * (1 - rng.uniform(0.75, 1.0) * t ** rng.uniform(0.6, 1.8)) + 0.01
    return tube_mesh(curve, radius, closed=False)


def turned_profile(rng: Rng) -> tuple[np.ndarray, np.ndarray]:
    """Draw heights and radii of a turned vessel that is not a quadric of revolution.

    Cones, cylinders, balls and hyperboloids all have a squared radius that is quadratic in the height, and
    the soap film between two rings nearly so; a profile must differ from every such curve by 8 %.
    """
    z = np.linspace(0, 1, 80)
    while True:
        knots = rng.uniform(0.15, 1.0, int(rng.integers(4, 8)))
        radius = np.clip(pv.Spline(np.stack([np.linspace(0, 1, len(knots)), knots, knots * 0], 1), 80).points, 0.05, 2)[
            :, 1
        ]
        fit = np.polyval(np.polyfit(z, radius**2, 2), z)
        if np.abs(radius**2 - fit).max() > 0.08 * (radius**2).max():
            return z * rng.uniform(0.8, 2.6), radius


def vessel(rng: Rng) -> pv.PolyData:
    """Build a turned vessel or baluster, sometimes with a fluted outline."""
    z, radius = turned_profile(rng)
    angle = np.linspace(0, 2 * np.pi, 73)
    flute = 1 + rng.choice([0.0, rng.uniform(0.04, 0.15)]) * np.cos(int(rng.integers(3, 12)) * angle)
    x, y = (radius[:, None] * flute[None] * f(angle)[None] for f in (np.cos, np.sin))
    points = np.stack([x, y, np.repeat(z[:, None], len(angle), 1)], -1)
    caps = [np.repeat([[[0, 0, z[end]]]], len(angle), axis=1) for end in (0, -1)]
    parts = [caps[0], points] if rng.random() < 0.5 else [caps[0], points, caps[1]]
    return grid_mesh(np.concatenate(parts))


def twisted_band(rng: Rng) -> pv.PolyData:
    """Build a closed band with two to six half twists; never one."""
    t = np.linspace(0, 2 * np.pi, 181)
    twist = int(rng.integers(2, 7)) * t / 2 * rng.choice([-1, 1])
    width = np.linspace(-1, 1, 9) * rng.uniform(0.2, 0.5)
    ring = 1 + rng.choice([0.0, rng.uniform(0.1, 0.3)]) * np.cos(int(rng.integers(2, 5)) * t)
    distance = ring[:, None] + width[None] * np.cos(twist)[:, None]
    height = width[None] * np.sin(twist)[:, None]
    flat = rng.uniform(0.7, 1.0)
    return grid_mesh(np.stack([distance * np.cos(t)[:, None], flat * distance * np.sin(t)[:, None], height], -1))


def spiral_strip(rng: Rng) -> pv.PolyData:
    """Build a spiral ramp round an open shaft; the shaft and the taper distinguish it from a helicoid."""
    turns = rng.uniform(1.2, 4)
    t = np.linspace(0, 1, int(70 * turns))
    inner = rng.uniform(0.25, 0.6)
    outer = 1 + rng.uniform(0.25, 0.7) * rng.choice([-0.8, 1]) * t
    across = np.linspace(0, 1, 8)
    distance = inner + (outer[:, None] - inner) * across[None]
    angle = 2 * np.pi * turns * t[:, None] * rng.choice([-1, 1])
    height = rng.uniform(0.9, 2.6) * t[:, None] + rng.uniform(-0.4, 0.4) * across[None]
    return grid_mesh(np.stack([distance * np.cos(angle), distance * np.sin(angle), height], -1))


def bumpy_ball(rng: Rng) -> pv.PolyData:
    """Build a ball with waves or dents."""
    ball = pv.Icosphere(radius=1.0, nsub=4)
    points = ball.points.astype(float)
    bumps = np.zeros(len(points))
    for _ in range(int(rng.integers(2, 7))):
        bumps += rng.uniform(0.08, 0.3) * np.sin(
            points @ rng.normal(size=3) * rng.uniform(1.5, 5) + rng.uniform(0, 6.3)
        )
    ball.points = points * (1 + np.clip(bumps, -0.6, 0.8))[:, None] * rng.uniform(0.65, 1.0, 3)
    return ball


def level_set(rng: Rng) -> pv.PolyData:
    """Build a random sum of waves cut by a ball or an uneven box; frequencies differ by axis and term."""
    n = 40
    axes = [np.linspace(-np.pi, np.pi, n)] * 3
    x, y, z = np.meshgrid(*axes, indexing="ij")
    field = np.zeros((n, n, n))
    for _ in range(int(rng.integers(2, 5))):
        direction = rng.normal(size=3) * rng.uniform(0.7, 1.8)
        wave = direction[0] * x + direction[1] * y + direction[2] * z
        field += rng.uniform(0.4, 1.0) * np.cos(wave + rng.uniform(0, 6.3))
    grid = pv.ImageData(dimensions=(n, n, n), spacing=(1.0, *rng.uniform(0.55, 0.95, 2)))
    inside = np.pi * 0.95 - (
        np.sqrt(x**2 + y**2 + z**2) if rng.random() < 0.5 else np.maximum.reduce(np.abs([x, y, z]))
    )
    grid.point_data["field"] = np.minimum(field - rng.uniform(-0.3, 0.5), inside).ravel(order="F")
    return grid.contour([0.0], scalars="field")


def bent_sheet(rng: Rng) -> pv.PolyData:
    """Build a thin sheet with several waves, square or round."""
    a, b = np.meshgrid(np.linspace(0, 1, 50), np.linspace(0, 1, 50), indexing="ij")
    if rng.random() < 0.5:
        x, y = 2 * a - 1, (2 * b - 1) * rng.uniform(0.5, 1)
    else:
        x, y = a * np.cos(2 * np.pi * b), a * np.sin(2 * np.pi * b)
    height = np.zeros_like(x)
    for _ in range(3):
        direction = rng.normal(size=2) * rng.uniform(1.2, 3.2)
        height += rng.uniform(0.1, 0.35) * np.sin(direction[0] * x + direction[1] * y + rng.uniform(0, 6.3))
    return grid_mesh(np.stack([x, y, height], -1))
