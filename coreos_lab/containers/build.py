"""Builds folders with a Dockerfile into container images, each once for each content."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from coreos_lab import disk, events, run, settings
from coreos_lab.containers import base, dockerfile, names, node_packages, programs
from coreos_lab.containers.buildah import Session, store
from coreos_lab.containers.dockerfile import Needed
from coreos_lab.containers.storage import ContainerImage, complete, take
from coreos_lab.errors import LabError, UsageError

# Layers are served uncompressed: a node takes about as long to unpack a compressed layer as to read an uncompressed
# one, and building needs no compressor. Docker 20.10 also takes gzip (buildah's default), but not zstd.
LAYER_OPTIONS = ("--disable-compression",)
OURS = "localhost/coreos-lab"  # the name of all our container images in buildah's storage; the tag is the key


@dataclass(frozen=True)
class Recipe:
    """The inputs of one container image: a folder with a Dockerfile, and other container images.

    `key` is the hash of all inputs. `needs` has for each FROM line the key of the container image behind it, "" where
    it must come from a hub.
    """

    name: str
    folder: Path
    text: str
    key: str
    needs: tuple[tuple[Needed, str], ...] = ()


def ensure_containers(containers: Mapping[str, Path]) -> list[ContainerImage]:
    """The container images of these folders, in order of building; builds those that are missing.

    A FROM line is resolved to another one of the mapping, to `debian`, or to what was built here before under that
    name; any other name is pulled from a hub. Raises LabError with the end of the builder's output, or with the FROM
    line that cannot be resolved; UsageError for a folder without Dockerfile, an invalid name, and container images that
    are built from each other.
    """
    texts = {name: _read(folder) for name, folder in containers.items()}
    needs = {name: dockerfile.needed(text) for name, text in texts.items()}
    siblings = {
        name: [other for need in needs[name] for other in containers if names.same(other, need.name)]
        for name in containers
    }
    keys: dict[str, str] = {}
    images = []
    for name in dockerfile.order(siblings):
        resolved = tuple((need, _find(need.name, keys)) for need in needs[name])
        recipe = _recipe(name, containers[name], texts[name], resolved)
        images.append(_ensure(recipe))
        keys[name] = recipe.key
    return images


def base_image() -> ContainerImage:
    """The base container image `debian`; builds it if it is missing."""
    return _ensure(Recipe(base.NAMES[0], base.base_folder(), base.DOCKERFILE, _base_key()))


def _base_key() -> str:
    return disk.content_hash([*LAYER_OPTIONS, base.base_hash()])


def _read(folder: Path) -> str:
    try:
        return disk.text(folder / "Dockerfile")
    except OSError as error:
        raise UsageError(f"{folder}: no Dockerfile to build a container image from ({error.strerror})") from None


def _recipe(name: str, folder: Path, text: str, needs: tuple[tuple[Needed, str], ...]) -> Recipe:
    names.split(name)  # an invalid name is an error now, not after a minute of building
    stated = [f"{need.name}={key}" for need, key in needs]
    inputs: list[Path | str] = [*LAYER_OPTIONS, *stated, *programs.inputs(folder), folder]
    return Recipe(name, folder, text, disk.content_hash(inputs), needs)


def _find(name: str, keys: Mapping[str, str]) -> str:
    """The key of the container image that a FROM line names, "" where it is not ours; `keys` are the same lab's."""
    for other, key in keys.items():
        if names.same(other, name):
            return key
    if any(names.same(name, other) for other in base.NAMES):
        return _base_key()
    last = _last_of(name)
    return last.read_text(encoding="utf-8") if last and last.exists() else ""


def _last_of(name: str) -> Path | None:
    """The file with the key of the last container image that was built under a name."""
    parsed = names.parse(name)
    return store() / "names" / f"{parsed[0].replace('/', '+')}:{parsed[1]}" if parsed else None


def built(name: str, folder: Path) -> ContainerImage | None:
    """The container image of a folder that is built from `debian` alone, None where it has not been built."""
    text = _read(folder)
    return _known(_recipe(name, folder, text, tuple((need, _base_key()) for need in dockerfile.needed(text))))


def _known(recipe: Recipe) -> ContainerImage | None:
    try:
        raw = disk.read_json(store() / "built" / recipe.key / "image.json")
    except FileNotFoundError:
        return None
    image = ContainerImage(recipe.name, raw["digest"], tuple(raw["blobs"]), raw["size"])
    return image if complete(image) else None


def _ensure(recipe: Recipe) -> ContainerImage:
    folder = store() / "built" / recipe.key

    def build(draft: Path) -> None:
        with events.step("container image", recipe.name):
            _build(recipe, draft)

    what = f"building container image {recipe.name}"
    disk.cached_folder(folder, what, build, lambda: _known(recipe) is not None)  # it is not where its blobs are missing
    image = _known(recipe)
    if image is None:
        raise LabError(f"{folder}: the container image {recipe.name} was built, but is missing", "try again")
    last = _last_of(recipe.name)
    if last and (not last.exists() or last.read_text(encoding="utf-8") != recipe.key):
        disk.write_atomic(last, recipe.key)
    return image


def _build(recipe: Recipe, draft: Path) -> None:
    """Builds into buildah's storage, moves what a registry serves out of it, and writes the record to `draft`."""
    if recipe.key == _base_key():
        base.ensure_base()
    if any(key == _base_key() for _, key in recipe.needs):
        base_image()
    built = programs.ensure(recipe.folder)
    log_file = settings.state_dir() / "logs" / f"container-{recipe.name.replace('/', '+')}.log"
    work = store() / "work"
    with disk.lock(store() / "lock", f"building container image {recipe.name}", wait=True):
        disk.remove_tree(work)  # of a builder that was killed
        work.mkdir()
        session = Session(work, log_file)
        session.call("rm", "--all")  # containers of a builder that was killed
        replacements = {
            need.name: f"{OURS}:{key}" if key else _pull(session, recipe, need) for need, key in recipe.needs
        }
        disk.write_atomic(work / "Dockerfile", dockerfile.resolved(recipe.text, replacements))
        context = node_packages.prepared(recipe.folder, work / "context", log_file)
        programs.put(built, context)
        # A step that is equal to one of another container image becomes the same layer: built once, pulled once.
        options = ["--layers", "--force-rm", "--pull-never", "--isolation=chroot", "--format=docker", session.policy()]
        tag = f"{OURS}:{recipe.key}"
        try:
            session.call("build", *options, f"--tag={tag}", f"--file={work / 'Dockerfile'}", context)
        except run.CommandError as error:
            raise LabError(
                f"{recipe.folder / 'Dockerfile'}: container image {recipe.name} cannot be built",
                error.hint,
                error.details,
            ) from None
        session.call("push", *LAYER_OPTIONS, "--format=v2s2", session.policy(), tag, f"dir:{work / 'out'}")
        image = take(recipe.name, work / "out")
        disk.remove_tree(work)
    disk.write_atomic(draft / "image.json", json.dumps(asdict(image)))


def _pull(session: Session, recipe: Recipe, need: Needed) -> str:
    """Pulls the container image that a FROM line names from a hub, unless buildah has it; returns its id."""
    try:
        done = session.call("pull", "--quiet", session.policy(), f"docker://{need.name}")
    except run.CommandError as error:
        raise LabError(
            f"{recipe.folder / 'Dockerfile'}:{need.line}: FROM {need.name}: no container image of this lab, "
            "and no hub has it",
            "start from 'debian', or list its folder under 'containers' in lab.yaml, or make a hub reachable",
            error.details,
        ) from None
    return done.stdout.splitlines()[-1].strip()
