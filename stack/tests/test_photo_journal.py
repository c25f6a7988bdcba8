"""Journal of earlier runs, including interrupted ones."""

import json
from typing import Any

from igemoji_stack.photo.journal import JOURNAL, Journal, Stamp


def findings(faces: int) -> dict[str, Any]:
    return {"width": 10, "height": 20, "faces": [{"roll": 1.5}] * faces}


def test_findings_are_read_again(tmp_path):
    journal = Journal(tmp_path)
    journal.add("a.jpg", "../a.jpg", Stamp(1, 2), "recipe", findings(1))
    journal.add("b\udcff.jpg", "../b\udcff.jpg", Stamp(3, 4), "recipe", findings(2))
    journal.add("a.jpg", "../a.jpg", Stamp(5, 6), "other", findings(3))
    for known in (journal, Journal(tmp_path)):
        entry = known.get("a.jpg")
        assert entry is not None
        assert (entry.stamp, entry.recipe, known.findings(entry)) == (Stamp(5, 6), "other", findings(3))
        second = known.get("b\udcff.jpg")
        assert second is not None
        assert known.findings(second) == findings(2)
        assert "c.jpg" not in known


def test_torn_line_is_ignored(tmp_path):
    journal = Journal(tmp_path)
    journal.add("a.jpg", "a.jpg", Stamp(1, 2), "recipe", findings(1))
    journal.add("b.jpg", "b.jpg", Stamp(1, 2), "recipe", findings(1))
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes()[:-10])
    journal = Journal(tmp_path)
    assert "a.jpg" in journal
    assert "b.jpg" not in journal
    journal.add("c.jpg", "c.jpg", Stamp(1, 2), "recipe", findings(2))
    for known in (journal, Journal(tmp_path)):
        entry = known.get("c.jpg")
        assert entry is not None
        assert known.findings(entry) == findings(2)


def test_invalid_lines_are_ignored(tmp_path):
    lines = ["", "[]", "null", json.dumps({"result": "a.jpg"}), json.dumps({"result": "a.jpg", "size": "?"}), "\x00"]
    (tmp_path / JOURNAL).write_text("\n".join(lines) + "\n")
    assert Journal(tmp_path).get("a.jpg") is None


def test_photo_is_identified_by_path_or_content(tmp_path):
    journal = Journal(tmp_path)
    journal.add("a.jpg", "../pics/a.jpg", Stamp(1, 2), "recipe", findings(1))
    entry = journal.get("a.jpg")
    assert entry is not None
    assert entry.is_of("../pics/a.jpg", Stamp(9, 9))
    assert entry.is_of("../moved/a.jpg", Stamp(1, 2))
    assert not entry.is_of("../other/a.jpg", Stamp(9, 9))
