"""Render one picture of a mesh for a given `View`, without a screen.

The pictures of the sample museum (`render-museum.py`) and of the random shapes that the tiny base model is
pretrained on are both rendered here, so that they look alike.

Reads and writes no files. Needs `pyvista` (and `numpy`, `scipy`, which come with it or with docent).

VTK picks an off-screen window by itself: EGL on a GPU, or Mesa's software renderer. A bare Debian or Ubuntu
machine without a screen needs

    apt-get update && apt-get install -y libegl1 libgl1 libgl1-mesa-dri libxrender1

Run it to photograph a torus and time the rendering:

    python scripts/studio.py torus.png
"""

from __future__ import annotations

import argparse
import math
import time
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import pyvista
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  (registers the window that draws)
from PIL import Image
from scipy.ndimage import gaussian_filter
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkLogger, vtkUnsignedCharArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import (
    vtkActor,
    vtkLight,
    vtkPolyDataMapper,
    vtkRenderer,
    vtkRenderWindow,
    vtkTexture,
)

Colour = tuple[float, float, float]
Finish = Literal["matt", "satin", "polished"]

FEATURE_ANGLE_DEG = 30.0  # below the icosahedron's 41.8 degrees, above the steps of any curved mesh here
CAMERA_DISTANCE = 4.2
SPHERE_SAMPLES = 1500
SPHERE_STEPS = 120
SHADOW_GRID_PX = 64
SHADOW_SAMPLES = 9000
SHADOW_STRENGTH = 0.62
MESHES_KEPT = 16

# ambient, diffuse, specular, specular power
FINISHES: dict[str, tuple[float, float, float, float]] = {
    "matt": (0.27, 0.82, 0.00, 1.0),
    "satin": (0.24, 0.78, 0.28, 18.0),
    "polished": (0.21, 0.72, 0.75, 70.0),
}


@dataclass(frozen=True)
class View:
    """The settings of one photograph: camera, light, background and material.

    azimuth_deg, elevation_deg: camera position around the vertical z axis and above the horizon.
    roll_deg: tilt of the camera. zoom: share of the frame that the unit sphere fills.
    shift_x, shift_y: offset of the object to the right and upwards, in fractions of the frame.
    background: colour at the top and at the bottom of the frame.
    light_azimuth_deg: key light relative to the camera, 0 above the camera, positive to the right.
    show_edges: draw creases and rims as darker lines.
    """

    azimuth_deg: float = 30.0
    elevation_deg: float = 25.0
    roll_deg: float = 0.0
    zoom: float = 0.9
    shift_x: float = 0.0
    shift_y: float = 0.0
    colour: Colour = (0.8, 0.5, 0.3)
    background: tuple[Colour, Colour] = ((0.93, 0.93, 0.91), (0.72, 0.72, 0.72))
    finish: Finish = "satin"
    light_azimuth_deg: float = 40.0
    light_elevation_deg: float = 50.0
    show_edges: bool = False


@dataclass(frozen=True)
class _Prepared:
    """Data that `render` needs of a mesh, computed once: normals, crease lines, points for the shadow."""

    source: pyvista.PolyData
    surface: pyvista.PolyData
    edges: pyvista.PolyData
    samples: np.ndarray


_prepared_meshes: OrderedDict[int, _Prepared] = OrderedDict()


def normalise(mesh: pyvista.PolyData) -> pyvista.PolyData:
    """Return a triangulated copy that just fits the unit sphere."""
    copy = mesh.extract_surface(algorithm=None) if not isinstance(mesh, pyvista.PolyData) else mesh.copy()
    copy = copy.triangulate()
    points = np.asarray(copy.points, dtype=np.float64)
    points = points - _sphere_centre(points[:: max(1, len(points) // SPHERE_SAMPLES)])
    copy.points = points / np.linalg.norm(points, axis=1).max()
    return copy


def _sphere_centre(points: np.ndarray) -> np.ndarray:
    """Return the centre of the smallest enclosing sphere, by ever smaller steps towards the farthest point."""
    centre = (points.max(axis=0) + points.min(axis=0)) / 2
    for step in range(SPHERE_STEPS):
        farthest = points[np.argmax(((points - centre) ** 2).sum(axis=1))]
        centre = centre + (farthest - centre) / (step + 20)
    return centre


def render(mesh: pyvista.PolyData, view: View, side_px: int, supersample: int = 2) -> np.ndarray:
    """Return a uint8 picture (side_px, side_px, 3) of a mesh centred by `normalise`.

    The window and the data prepared for the last few meshes are kept between calls.
    """
    pixels = _studio(side_px * supersample).photograph(_prepare(mesh), view)
    blocks = pixels.reshape(side_px, supersample, side_px, supersample, 3)
    return (blocks.mean(axis=(1, 3)) + 0.5).astype(np.uint8)


def _prepare(mesh: pyvista.PolyData) -> _Prepared:
    """Return the cached `_Prepared` of a mesh; the cache holds the mesh, so its id cannot be reused by another."""
    prepared = _prepared_meshes.get(id(mesh))
    if prepared is None:
        surface = mesh.triangulate().compute_normals(
            cell_normals=False, split_vertices=True, feature_angle=FEATURE_ANGLE_DEG, consistent_normals=True
        )
        prepared = _Prepared(mesh, surface, _crease_lines(surface), _surface_samples(surface))
        _prepared_meshes[id(mesh)] = prepared
        if len(_prepared_meshes) > MESHES_KEPT:
            _prepared_meshes.popitem(last=False)
    return prepared


def _crease_lines(surface: pyvista.PolyData) -> pyvista.PolyData:
    """Return the edges where two faces meet at an angle, and those of one face only.

    VTK's own filter would also draw a line where a one-sided surface has to flip its orientation.
    """
    merged = surface.clean(tolerance=1e-6)
    corners = merged.faces.reshape(-1, 4)[:, 1:]
    points = np.asarray(merged.points, dtype=np.float64)[corners]
    normals = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True) + 1e-30
    directed = np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]])
    face_of = np.tile(np.arange(len(corners)), 3)
    order = np.lexsort((directed.max(axis=1), directed.min(axis=1)))
    directed, face_of = directed[order], face_of[order]
    undirected = np.sort(directed, axis=1)
    starts = np.flatnonzero(np.r_[True, (undirected[1:] != undirected[:-1]).any(axis=1)])
    sharing = np.diff(np.r_[starts, len(undirected)])
    pairs = starts[sharing == 2]
    cosine = (normals[face_of[pairs]] * normals[face_of[pairs + 1]]).sum(axis=1)
    same_way = directed[pairs, 0] == directed[pairs + 1, 0]
    cosine = np.where(same_way, -cosine, cosine)
    creases = pairs[cosine < math.cos(math.radians(FEATURE_ANGLE_DEG))]
    chosen = undirected[np.concatenate([starts[sharing == 1], creases])]
    if len(chosen) == 0:
        return pyvista.PolyData()
    lines = np.insert(chosen, 0, 2, axis=1).ravel()
    return pyvista.PolyData(np.asarray(merged.points), lines=lines)


def _surface_samples(surface: pyvista.PolyData) -> np.ndarray:
    """Return points spread evenly over the triangles, the same ones every time."""
    corners = np.asarray(surface.points, dtype=np.float64)[surface.faces.reshape(-1, 4)[:, 1:]]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas = np.linalg.norm(np.cross(first, second), axis=1)
    rng = np.random.default_rng(0)
    chosen = rng.choice(len(areas), SHADOW_SAMPLES, p=areas / areas.sum())
    u, v = rng.random((2, SHADOW_SAMPLES, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    return corners[chosen, 0] + u * first[chosen] + v * second[chosen]


def _direction(azimuth_deg: float, elevation_deg: float) -> np.ndarray:
    azimuth, elevation = math.radians(azimuth_deg), math.radians(elevation_deg)
    flat = math.cos(elevation)
    return np.array([flat * math.cos(azimuth), flat * math.sin(azimuth), math.sin(elevation)])


class _Studio:
    """One off-screen window with a camera, three lights, an object, its lines and a shadow on the floor."""

    def __init__(self, side_px: int) -> None:
        self.side_px = side_px
        self.renderer = vtkRenderer()
        self.renderer.GradientBackgroundOn()
        self.surface, self.lines, self.floor = vtkActor(), vtkActor(), vtkActor()
        for actor in (self.floor, self.surface, self.lines):
            mapper = vtkPolyDataMapper()
            mapper.ScalarVisibilityOff()
            actor.SetMapper(mapper)
            self.renderer.AddActor(actor)
        # Lines lie exactly on faces: without an offset half of each would be hidden.
        self.surface.GetMapper().SetResolveCoincidentTopologyToPolygonOffset()
        self.lines.GetProperty().LightingOff()
        self.lines.GetProperty().SetLineWidth(max(1.0, side_px / 200))
        self.shadow_image = vtkImageData()
        self._lay_floor()
        self.key, self.fill, self.rim = vtkLight(), vtkLight(), vtkLight()
        for light, intensity in ((self.key, 0.74), (self.fill, 0.28), (self.rim, 0.30)):
            light.SetIntensity(intensity)
            light.SetLightTypeToSceneLight()
            self.renderer.AddLight(light)
        self.renderer.SetAutomaticLightCreation(False)
        self.window = self._open_window()

    def _open_window(self) -> vtkRenderWindow:
        # VTK warns about the missing X server before it falls back to EGL.
        verbosity = vtkLogger.GetCurrentVerbosityCutoff()
        vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_ERROR)
        window = vtkRenderWindow()
        window.SetOffScreenRendering(True)
        window.SetMultiSamples(0)
        window.SetSize(self.side_px, self.side_px)
        window.AddRenderer(self.renderer)
        window.Render()
        vtkLogger.SetStderrVerbosity(verbosity)
        return window

    def _lay_floor(self) -> None:
        """Add a unit square with the shadow as a texture; `_cast_shadow` scales and places it."""
        square = pyvista.Plane(i_size=1, j_size=1, i_resolution=1, j_resolution=1)
        self.floor.GetMapper().SetInputDataObject(square)
        self.floor.GetProperty().LightingOff()
        self.floor.ForceTranslucentOn()
        texture = vtkTexture()
        texture.InterpolateOn()
        texture.SetInputData(self.shadow_image)
        self.shadow_image.SetDimensions(SHADOW_GRID_PX, SHADOW_GRID_PX, 1)
        self._fill_shadow(np.zeros((SHADOW_GRID_PX, SHADOW_GRID_PX)), (0.0, 0.0, 0.0))
        self.floor.SetTexture(texture)

    def photograph(self, prepared: _Prepared, view: View) -> np.ndarray:
        """Return the window's pixels, top row first."""
        self.surface.GetMapper().SetInputDataObject(prepared.surface)
        self.lines.GetMapper().SetInputDataObject(prepared.edges)
        self.lines.SetVisibility(view.show_edges and prepared.edges.n_points > 0)
        self._paint(view)
        self._aim(view)
        self._cast_shadow(prepared, view)
        self.window.Render()
        pixels = vtkUnsignedCharArray()
        last = self.side_px - 1
        self.window.GetPixelData(0, 0, last, last, 0, pixels, 0)
        return vtk_to_numpy(pixels).reshape(self.side_px, self.side_px, 3)[::-1]

    def _paint(self, view: View) -> None:
        ambient, diffuse, specular, power = FINISHES[view.finish]
        material = self.surface.GetProperty()
        material.SetColor(*view.colour)
        material.SetAmbient(ambient)
        material.SetDiffuse(diffuse)
        material.SetSpecular(specular)
        material.SetSpecularPower(power)
        self.lines.GetProperty().SetColor(*(0.35 * channel for channel in view.colour))
        top, bottom = view.background
        self.renderer.SetBackground(*bottom)
        self.renderer.SetBackground2(*top)

    def _aim(self, view: View) -> None:
        camera = self.renderer.GetActiveCamera()
        camera.SetPosition(*(CAMERA_DISTANCE * _direction(view.azimuth_deg, view.elevation_deg)))
        camera.SetFocalPoint(0.0, 0.0, 0.0)
        camera.SetViewUp(0.0, 0.0, 1.0)
        camera.Roll(view.roll_deg)
        sphere_tangent = math.tan(math.asin(1 / CAMERA_DISTANCE))
        camera.SetViewAngle(2 * math.degrees(math.atan(sphere_tangent / view.zoom)))
        camera.SetWindowCenter(-2 * view.shift_x, -2 * view.shift_y)
        camera.SetClippingRange(CAMERA_DISTANCE - 2.5, CAMERA_DISTANCE + 6.0)
        self.key.SetPosition(*_direction(self._light_azimuth(view), view.light_elevation_deg))
        self.fill.SetPosition(*_direction(view.azimuth_deg, view.elevation_deg))
        self.rim.SetPosition(*_direction(self._light_azimuth(view) + 150, 25))

    def _light_azimuth(self, view: View) -> float:
        return view.azimuth_deg + view.light_azimuth_deg

    def _cast_shadow(self, prepared: _Prepared, view: View) -> None:
        """Blur the object's outline, seen from the light, into the texture of the floor under it."""
        self.floor.SetVisibility(view.elevation_deg > 3)
        if view.elevation_deg <= 3:
            return
        samples = prepared.samples
        ground = samples[:, 2].min() - 0.01
        # A light seen this flat would throw the shadow out of the frame.
        light = _direction(self._light_azimuth(view), max(55.0, view.light_elevation_deg))
        height = samples[:, 2:] - ground
        flat = samples[:, :2] - height * (light[:2] / light[2])
        reach = np.abs(flat).max() * 1.35
        cells = ((flat / reach + 1) * (SHADOW_GRID_PX / 2)).astype(np.intp)
        weight = 1 / (1 + 1.2 * height[:, 0])  # high parts throw a paler shadow
        counts = np.bincount(cells[:, 1] * SHADOW_GRID_PX + cells[:, 0], weight, SHADOW_GRID_PX**2)
        mask = gaussian_filter(np.minimum(counts / 4, 1).reshape(SHADOW_GRID_PX, SHADOW_GRID_PX), 3.0)
        self._fill_shadow(mask * SHADOW_STRENGTH, view.background[1])
        self.floor.SetScale(2 * reach, 2 * reach, 1)
        self.floor.SetPosition(0, 0, ground)

    def _fill_shadow(self, alpha: np.ndarray, ground_colour: Colour) -> None:
        rgba = np.empty((SHADOW_GRID_PX * SHADOW_GRID_PX, 4), dtype=np.uint8)
        rgba[:, :3] = [int(255 * 0.22 * channel) for channel in ground_colour]
        rgba[:, 3] = (255 * alpha).ravel()
        self.shadow_image.GetPointData().SetScalars(numpy_to_vtk(rgba, deep=True))
        self.shadow_image.Modified()


@lru_cache(maxsize=4)
def _studio(side_px: int) -> _Studio:
    return _Studio(side_px)


def main() -> None:
    """Photograph a torus, then time fifty more pictures of it."""
    parser = argparse.ArgumentParser(description="Photograph a torus and time the studio.")
    parser.add_argument("picture", help="PNG or JPEG file to write")
    parser.add_argument("--side", type=int, default=96, help="side of the picture in pixels")
    arguments = parser.parse_args()
    torus = normalise(pyvista.ParametricTorus())
    picture = render(torus, View(), arguments.side)
    begin, repeats = time.perf_counter(), 50
    for step in range(repeats):
        render(torus, View(azimuth_deg=7.0 * step), arguments.side)
    milliseconds = (time.perf_counter() - begin) / repeats * 1000
    Image.fromarray(picture).save(arguments.picture)
    print(f"{milliseconds:.1f} ms per picture of {arguments.side} px")


if __name__ == "__main__":
    main()
