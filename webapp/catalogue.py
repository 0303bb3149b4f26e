"""The catalogue that every run starts from: seeded crops and scales of the photographs that scikit-image ships."""

import random
from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from webapp.settings import SettingsError

# How many pictures are made of each photograph: most of those that show a thing with a name.
PHOTOGRAPHS = {
    "astronaut.png": 5,
    "camera.png": 3,
    "chelsea.png": 6,
    "clock_motion.png": 2,
    "coffee.png": 6,
    "coins.png": 3,
    "grass.png": 2,
    "gravel.png": 2,
    "hubble_deep_field.jpg": 2,
    "moon.png": 3,
    "motorcycle_left.png": 5,
    "motorcycle_right.png": 4,
    "retina.jpg": 2,
    "rocket.jpg": 5,
}
ASPECTS = (1.0, 4 / 3, 3 / 2, 3 / 4)
WIDTHS = (360, 480, 640)


def make_catalogue(folder: Path, seed: int = 0) -> int:
    """Write the catalogue as JPEG files into a folder and return how many there are; the same seed, the same files."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)  # noqa: S311  (a repeatable choice of crops, no secret)
    count = 0
    for name, pictures in PHOTOGRAPHS.items():
        with Image.open(_scikit_image_data() / name) as photograph:
            rgb = photograph.convert("RGB")
        for number in range(1, pictures + 1):
            title = Path(name).stem.replace("_", "-")
            _crop(rgb, rng).save(folder / f"{title}-{number}.jpg", "JPEG", quality=90)
            count += 1
    return count


def _crop(image: Image.Image, rng: random.Random) -> Image.Image:
    aspect, share, width = rng.choice(ASPECTS), rng.uniform(0.7, 1.0), rng.choice(WIDTHS)
    crop_width = min(image.width, image.height * aspect) * share
    crop_height = crop_width / aspect
    left, top = rng.uniform(0, image.width - crop_width), rng.uniform(0, image.height - crop_height)
    box = (left, top, left + crop_width, top + crop_height)
    return image.resize((width, round(width / aspect)), Image.Resampling.BICUBIC, box=box)


def _scikit_image_data() -> Path:
    """Find the package's folder without importing it: the import takes longer than the work."""
    spec = find_spec("skimage")
    if spec is None or spec.origin is None:
        raise SettingsError("scikit-image is not installed; run `make setup`")
    return Path(spec.origin).parent / "data"
