"""The toy variant, and variants of a few lines of TOML."""

from pathlib import Path

from bench.stacks import stack
from bench.stacks.running import Place
from bench.stacks.stack import Stack

TOY = Path(__file__).with_name("toy_variant")
TINY = Path(__file__).with_name("tiny.toml")


def variant(folder: Path, text: str) -> Stack:
    """Write a stack.toml and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "stack.toml").write_text(text, encoding="utf-8")
    return stack.load(folder)


def copy_of_toy(folder: Path, name: str, **env: str) -> Path:
    """Make a second toy that answers differently."""
    lines = "\n".join(f'{key} = "{value}"' for key, value in env.items())
    text = (TOY / "stack.toml").read_text(encoding="utf-8").replace("[env]", f"[env]\n{lines}")
    return variant(folder / name, text.replace("{variant}", str(TOY))).folder


def place(folder: Path) -> Place:
    """Return a place for a stack; the toy needs no photos."""
    return Place(data=folder / "data", logs=folder / "logs", photos=folder)
