"""Draw the pack's icon and banner, `artwork/icon.png` and `artwork/banner.png`, as the registry shows them.

python -m tools.make_artwork

The sphere on which a sampler's steps land; a guided path on it, which goes from noise to what was asked for; and in
grey the way of the same model unguided. Drawn as SVG, made to pixels by the Chromium of the browser tests.
"""

from dataclasses import dataclass

import numpy as np
from playwright.sync_api import sync_playwright

from tools.browser import find_chromium, what_to_do
from tools.comfyui import REPOSITORY

FOLDER = REPOSITORY / "artwork"
ICON = (400, 400)  # the largest that the registry shows
BANNER = (1680, 720)  # 21:9

NIGHT, DUSK, HAZE = "#0b1026", "#241a52", "#cdd6ff"
COLD, WARM, GOLD, GREY = (124, 108, 255), (255, 92, 138), (255, 209, 102), "#9aa3c7"
STEPS = 9
# Longitude and latitude in degrees, as seen from the front.
START, END, ASTRAY = (-46.0, -22.0), (36.0, 40.0), (42.0, -34.0)


@dataclass(frozen=True)
class Sphere:
    """A sphere seen from the front, its pole tilted towards us. Lengths in pixels."""

    x: float
    y: float
    radius: float
    tilt: float = 0.42  # radians

    def project(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Points `[N, 3]` of the unit sphere → pixels `[N, 2]`, and how far in front they are `[N]`, in [−1, 1]."""
        cos, sin = np.cos(self.tilt), np.sin(self.tilt)
        up, front = cos * points[:, 1] - sin * points[:, 2], sin * points[:, 1] + cos * points[:, 2]
        return np.stack([self.x + self.radius * points[:, 0], self.y - self.radius * up], axis=1), front


def on_sphere(longitude: np.ndarray, latitude: np.ndarray) -> np.ndarray:
    """Degrees `[N]` → points `[N, 3]`: right, up, towards us."""
    a, b = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(b) * np.sin(a), np.sin(b), np.cos(b) * np.cos(a)], axis=1)


def line(pixels: np.ndarray, colour: str, width: float, opacity: float, more: str = "") -> str:
    path = "M" + "L".join(f"{x:.1f},{y:.1f}" for x, y in pixels)
    return (
        f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width:.2f}" stroke-opacity="{opacity:.2f}" '
        f'stroke-linecap="round" stroke-linejoin="round" {more}/>'
    )


def dot(pixel: np.ndarray, radius: float, colour: str, opacity: float = 1, more: str = "") -> str:
    return (
        f'<circle cx="{pixel[0]:.1f}" cy="{pixel[1]:.1f}" r="{radius:.2f}" fill="{colour}" '
        f'fill-opacity="{opacity:.2f}" {more}/>'
    )


def between(share: float) -> str:
    """The colour on the way from cold by warm to gold."""
    first, second, part = (COLD, WARM, 2 * share) if share < 0.5 else (WARM, GOLD, 2 * share - 1)
    return "#" + "".join(f"{round(a + part * (b - a)):02x}" for a, b in zip(first, second))


def way(end: tuple[float, float], bend: float, points: int) -> np.ndarray:
    """A bent way over the sphere from `START`: points `[N, 3]`."""
    along = np.linspace(0, 1, points)
    (a, b), (c, d) = START, end
    return on_sphere(a + along * (c - a), b + along * (d - b) + bend * np.sin(np.pi * along))


def graticule(sphere: Sphere) -> list[str]:
    """Circles of longitude and latitude, the nearer the brighter; those behind shine through."""
    turn = np.linspace(-180, 180, 145)
    circles = [on_sphere(np.full_like(turn, longitude), turn) for longitude in range(-90, 90, 18)]
    circles += [on_sphere(turn, np.full_like(turn, latitude)) for latitude in range(-72, 90, 18)]
    drawn = []
    for circle in circles:
        pixels, front = sphere.project(circle)
        for i in range(0, len(turn) - 1, 4):
            near = front[i : i + 5].mean()
            drawn.append(line(pixels[i : i + 5], HAZE, sphere.radius / 260, 0.04 + 0.26 * max(near, 0) ** 1.5))
    return drawn


def noise(sphere: Sphere) -> list[str]:
    """Grains around the path's start."""
    generator = np.random.default_rng(7)
    spread = generator.normal(size=(150, 2)) * (13, 13) + START
    pixels, front = sphere.project(on_sphere(spread[:, 0], spread[:, 1]))
    grains = zip(pixels[front > 0], generator.uniform(0.5, 1.8, len(pixels)))
    return [dot(pixel, sphere.radius / 150 * size, between(0.14 * size - 0.05), 0.9) for pixel, size in grains]


def ball(sphere: Sphere) -> list[str]:
    centre, shine = np.array([sphere.x, sphere.y]), sphere.radius
    return [
        dot(centre, shine * 1.5, "url(#halo)"),
        dot(centre, shine, "url(#ball)"),
        *graticule(sphere),
        dot(centre, shine, "none", 1, f'stroke="{HAZE}" stroke-opacity="0.55" stroke-width="{shine / 130:.2f}"'),
    ]


def paths(sphere: Sphere) -> list[str]:
    """The unguided way in grey dashes; the guided one, step by step, to its shining end."""
    unit = sphere.radius / 100
    astray = sphere.project(way(ASTRAY, -7, 60))[0]
    drawn = [line(astray, GREY, 1.5 * unit, 0.75, f'stroke-dasharray="{3.2 * unit:.1f} {4.4 * unit:.1f}"')]
    drawn.append(dot(astray[-1], 3.1 * unit, NIGHT, 1, f'stroke="{GREY}" stroke-width="{1.4 * unit:.1f}"'))

    pixels = sphere.project(way(END, 14, 20 * STEPS + 1))[0]
    for i in range(0, 20 * STEPS, 2):
        colour, piece = between(i / (20 * STEPS)), pixels[i : i + 3]
        drawn += [line(piece, colour, 9 * unit, 0.16), line(piece, colour, 3.2 * unit, 1)]
    for step in range(STEPS):
        share = step / STEPS
        drawn.append(dot(pixels[20 * step], (3.2 + 1.2 * share) * unit, "#ffffff"))
        drawn.append(dot(pixels[20 * step], (2.0 + 1.0 * share) * unit, between(share)))
    end = pixels[-1]
    drawn.append(dot(end, 30 * unit, "url(#glow)"))
    drawn.append(dot(end, 12 * unit, "none", 1, f'stroke="{between(1)}" stroke-width="{1.3 * unit:.1f}"'))
    return [*drawn, dot(end, 7 * unit, "#ffffff"), dot(end, 5.2 * unit, between(1))]


def stars(width: int, height: int) -> list[str]:
    generator = np.random.default_rng(3)
    places = generator.uniform((0, 0), (width, height), (width * height // 9000, 2))
    return [dot(place, generator.uniform(0.5, 1.4), HAZE, generator.uniform(0.08, 0.4)) for place in places]


def picture(size: tuple[int, int], sphere: Sphere, words: list[str]) -> str:
    """The SVG of a whole picture."""
    width, height = size
    gold = between(1)
    parts = [*stars(width, height), *ball(sphere), *noise(sphere), *paths(sphere), *words]
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">
<defs>
<linearGradient id="night" x1="0" y1="0" x2="1" y2="1">
  <stop offset="0" stop-color="{NIGHT}"/><stop offset="1" stop-color="{DUSK}"/></linearGradient>
<radialGradient id="halo"><stop offset="0.55" stop-color="#6a5cff" stop-opacity="0.42"/>
  <stop offset="1" stop-color="#6a5cff" stop-opacity="0"/></radialGradient>
<radialGradient id="ball" cx="0.36" cy="0.3" r="0.78"><stop offset="0" stop-color="#4a4fb8"/>
  <stop offset="0.55" stop-color="#272a70"/><stop offset="1" stop-color="#10133a"/></radialGradient>
<radialGradient id="glow"><stop offset="0" stop-color="{gold}" stop-opacity="0.75"/>
  <stop offset="1" stop-color="{gold}" stop-opacity="0"/></radialGradient>
</defs>
<rect width="{width}" height="{height}" fill="url(#night)"/>
{"".join(parts)}
</svg>"""


def text(x: float, y: float, size: float, words: str, more: str) -> str:
    return f'<text x="{x}" y="{y}" font-family="DejaVu Sans" font-size="{size}" {more}>{words}</text>'


def icon() -> str:
    width, height = ICON
    return picture(ICON, Sphere(width / 2, height / 2, 0.40 * width), [])


def banner() -> str:
    width, height = BANNER
    words = [
        text(110, 335, 104, "ComfyUI-DSG", 'fill="#ffffff" font-weight="bold"'),
        text(116, 408, 38, "Say what the picture must satisfy.", f'fill="{HAZE}"'),
        text(116, 462, 38, "The model you have goes there.", f'fill="{HAZE}"'),
    ]
    return picture(BANNER, Sphere(0.77 * width, height / 2, 0.39 * height), words)


def main() -> None:
    path = find_chromium()
    if not path:
        raise SystemExit(what_to_do())
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        for name, size, drawing in (("icon", ICON, icon()), ("banner", BANNER, banner())):
            page = browser.new_page(viewport={"width": size[0], "height": size[1]})
            page.set_content(f"<body style='margin:0'>{drawing}</body>")
            page.screenshot(path=FOLDER / f"{name}.png")
        browser.close()


if __name__ == "__main__":
    main()
