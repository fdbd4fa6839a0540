"""Edits of a run's folder: by accident, by a failing disk, or by a stranger with intent."""

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

PRECIOUS = b"a thesis"
HIDDEN = ".run.partial"
WORDS = [
    "", "x", "../../victim/precious", "../victim/secret.png", "/etc/passwd", "$\\bad{$", "\x00",
    "\ud800", "a\nb", "9999-99999", "blocks/9999-99999.parquet", "x" * 5000, "nan", "block",
    "maker", "totals", "run.json", ".hidden", "..", "\x1b[2J",
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 3, 10**30, 2**63, 1.5, 1e308, float("nan"), float("inf"), [], {},
    [None], {"a": None}, [1, 2, 3], *WORDS,
]  # fmt: skip


def find_folder(place: Path) -> Path:
    """Return the folder of the run that is edited."""
    return place / "run" if (place / "run").exists() else place / HIDDEN


def find_description(place: Path) -> Path:
    folder = find_folder(place)
    finished = folder / "run.json"
    return finished if finished.exists() else folder / "unfinished.json"


def list_places(value: Any) -> list[tuple[Any, Any]]:
    """Return every container in JSON, with each of its keys or indices."""
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    places = [(value, key) for key in keys]
    for key in keys:
        if isinstance(value[key], dict | list):
            places += list_places(value[key])
    return places


def edit_value(value: Any, chance: Random) -> None:
    """Change, remove, rename or repeat something in JSON."""
    container, key = chance.choice(list_places(value))
    deed = chance.choice(["change", "change", "remove", "rename", "repeat", "nest", "swap"])
    if deed == "change":
        container[key] = chance.choice(VALUES)
    elif deed == "remove":
        del container[key]
    elif deed == "rename" and isinstance(container, dict):
        container[chance.choice(WORDS)] = container.pop(key)
    elif deed == "repeat" and isinstance(container, list):
        container.insert(chance.randrange(len(container) + 1), container[key])
    elif deed == "nest":
        for _ in range(chance.choice([1, 30])):
            container[key] = [container[key]]
    elif deed == "swap":
        other = chance.choice([key for place, key in list_places(value) if place is container])
        container[key], container[other] = container[other], container[key]


def edit_description(place: Path, chance: Random) -> None:
    """Change something in run.json."""
    file = find_description(place)
    content = json.loads(file.read_text())
    for _ in range(chance.choice([1, 1, 2, 5])):
        edit_value(content, chance)
    file.write_text(json.dumps(content, indent=2))


def edit_points(place: Path, chance: Random) -> None:
    """Change something in the points or the parameters of run.json."""
    file = find_description(place)
    content = json.loads(file.read_text())
    part = chance.choice(["points", "points", "parameters", "versions", "code"])
    edit_value(content[part], chance)
    file.write_text(json.dumps(content, indent=2))


def name_files_elsewhere(place: Path, chance: Random) -> None:
    """Let run.json list a file that is not in the folder, with a right stamp of another."""
    file = find_description(place)
    content = json.loads(file.read_text())
    stamps = list(content["files"].values()) or [{"size": 8, "sha256": "0" * 64, "tables": []}]
    content["files"][chance.choice(WORDS)] = chance.choice(stamps)
    file.write_text(json.dumps(content, indent=2))


def nest_deeply(place: Path, chance: Random) -> None:
    """Nest a description, or a line of the manifest, deeper than JSON can be read."""
    file = chance.choice([find_description(place), find_folder(place) / "manifest.jsonl"])
    deep = chance.choice([50, 900, 100_000])
    file.write_text("[" * deep + "]" * deep + "\n")


def edit_lines(place: Path, chance: Random) -> None:
    """Cut, repeat, drop or reorder lines of the manifest, or put a NUL into one."""
    file = find_folder(place) / "manifest.jsonl"
    lines = file.read_bytes().splitlines(keepends=True)
    number = chance.randrange(len(lines))
    deed = chance.choice(["cut", "repeat", "drop", "reorder", "nul", "end", "empty"])
    if deed == "cut":
        lines[number] = lines[number][: chance.randrange(len(lines[number]))] + b"\n"
    elif deed == "repeat":
        lines.insert(chance.randrange(len(lines) + 1), lines[number])
    elif deed == "drop":
        del lines[number]
    elif deed == "reorder":
        chance.shuffle(lines)
    elif deed == "nul":
        at = chance.randrange(len(lines[number]))
        lines[number] = lines[number][:at] + b"\x00" + lines[number][at:]
    elif deed == "end":
        lines[-1] = lines[-1][: chance.randrange(len(lines[-1]))]
    file.write_bytes(b"" if deed == "empty" else b"".join(lines))


def edit_a_line(place: Path, chance: Random) -> None:
    """Change something in a line of the manifest."""
    file = find_folder(place) / "manifest.jsonl"
    lines = [json.loads(line) for line in file.read_text().splitlines()]
    edit_value(chance.choice(lines), chance)
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))


def note_blocks_elsewhere(place: Path, chance: Random) -> None:
    """Let the manifest name blocks that are not the run's, and lack one that is."""
    folder = find_folder(place)
    with (folder / "manifest.jsonl").open("a") as file:
        for name in chance.sample(WORDS, 3):
            stamp = [chance.choice([1, len(PRECIOUS)]), "0" * 64, []]
            file.write(json.dumps({"block": name, "stamp": stamp, "seconds": 0}) + "\n")
    if chance.random() < 0.7:
        chance.choice(sorted((folder / "blocks").iterdir())).unlink()


def list_run_files(place: Path) -> list[Path]:
    return sorted(path for path in find_folder(place).rglob("*") if path.is_file())


def edit_bytes(place: Path, chance: Random) -> None:
    """Cut, empty, zero, lengthen or remove a file, or turn some of its bits."""
    file = chance.choice(list_run_files(place))
    content = bytearray(file.read_bytes())
    deed = chance.choice(["cut", "empty", "zero", "lengthen", "remove", "turn", "turn", "turn"])
    if deed == "cut":
        del content[chance.randrange(len(content)) :]
    elif deed == "turn":
        for _ in range(chance.choice([1, 1, 10])):
            content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
    elif deed == "lengthen":
        content += chance.randbytes(5)
    file.write_bytes({"empty": b"", "zero": bytes(len(content))}.get(deed, bytes(content)))
    if deed == "remove":
        file.unlink()


def swap_files(place: Path, chance: Random) -> None:
    """Give two files each other's names, or one the content of the other."""
    first, second = chance.sample(list_run_files(place), 2)
    one, other = first.read_bytes(), second.read_bytes()
    first.write_bytes(other)
    if chance.random() < 0.5:
        second.write_bytes(one)


def link_a_file(place: Path, chance: Random) -> None:
    """Put a link in the place of a file, to the same content elsewhere or to another's file."""
    file, victim = chance.choice(list_run_files(place)), place.parents[1] / "victim"
    if chance.random() < 0.5:
        (place / "copy").write_bytes(file.read_bytes())
        target = place / "copy"
    else:
        target = chance.choice([victim / "precious.parquet", victim / "secret.png", victim / "new"])
    file.unlink()
    file.symlink_to(target)


def link_a_folder(place: Path, chance: Random) -> None:
    """Put a link to another's folder in the place of the blocks, or of a hidden folder or file."""
    victim = place.parents[1] / "victim"
    names = [".run.partial", ".run.replaced", ".run.lock"]
    link = chance.choice([find_folder(place) / "blocks", *(place / name for name in names)])
    if link.exists():
        link.rename(place / "moved")
    link.symlink_to(chance.choice([victim, victim / "precious.parquet", place / "moved"]))


def put_files(place: Path, chance: Random) -> None:
    """Put another's file, folder, or a run's file under another name, into or beside the folder."""
    folder = find_folder(place)
    places = [
        folder / "thesis.tex", folder / "blocks" / "notes.txt", folder / "sub" / "thesis.tex",
        folder / "blocks" / "x.parquet", place / ".run.replaced" / "thesis.tex",
        place / ".run.partial" / "thesis.tex", place / ".run.lock",
        place / ".run.replaced" / "report.html", folder / "sub" / "run.json",
    ]  # fmt: skip
    if folder.name == "run":  # in an unfinished run, a picture passes for one of its figures
        places += [place / ".run.partial" / "photo.png", folder / "photo.png"]
    where = chance.choice(places)
    where.parent.mkdir(exist_ok=True)
    where.write_bytes(PRECIOUS)


def put_blocks(place: Path, chance: Random) -> None:
    """Copy a block's file, or one of a run of another seed, to this name, another's or none's."""
    folder = chance.choice([find_folder(place), place.parents[1] / "other"])
    block = chance.choice(sorted((folder / "blocks").iterdir()))
    name = chance.choice([block.stem, "9999-99999", "0001-00007", "0000-00000", "0004-00000", "x"])
    content = block.read_bytes()
    (find_folder(place) / "blocks" / f"{name}.parquet").write_bytes(content)


def put_an_empty_folder(place: Path, chance: Random) -> None:
    """Put a folder where a file is, or where none is."""
    file = chance.choice([*list_run_files(place), find_folder(place) / "sub", place / ".run.lock"])
    file.unlink(missing_ok=True)
    file.mkdir()


Edit = Callable[[Path, Random], None]
EDITS: dict[str, Edit] = {
    edit.__name__.replace("_", " "): edit
    for edit in (
        edit_description, edit_points, name_files_elsewhere, nest_deeply, edit_lines, edit_a_line,
        note_blocks_elsewhere, edit_bytes, swap_files, link_a_file, link_a_folder, put_files,
        put_blocks, put_an_empty_folder,
    )
}  # fmt: skip
