import shutil
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from igemoji_vision.compose import compose
from igemoji_vision.decode import Photo, Pixels, decode
from igemoji_vision.errors import ModelDamaged, PhotoError
from igemoji_vision.faces import Box, Face
from igemoji_vision.headers import Format
from igemoji_vision.pipeline import Pipeline, Stage

Save = Callable[..., bytes]
Reports = list[tuple[Stage, float, int]]


@pytest.fixture
def reports() -> Reports:
    return []


@pytest.fixture
def report(reports: Reports) -> Callable[[Stage, float, Sequence[Face]], None]:
    return lambda stage, percent, faces: reports.append((stage, percent, len(faces)))


def test_every_face_of_a_group_is_covered(
    pipeline: Pipeline, pictures: dict[str, bytes], group: bytes, report: Callable[..., None]
) -> None:
    result = pipeline.run(group, pictures, report)

    before, after = decode(group).pixels.astype(int), decode(result.image).pixels.astype(int)
    assert result.content_type == "image/jpeg"
    assert len(result.faces) == 5
    for face in result.faces:
        x, y, side = *face.box.center, face.box.side
        rows, columns = slice(int(y - side / 4), int(y + side / 4)), slice(int(x - side / 4), int(x + side / 4))
        assert np.abs(before[rows, columns] - after[rows, columns]).mean() > 30


def test_every_step_is_reported_in_order_with_the_faces_so_far(
    pipeline: Pipeline, pictures: dict[str, bytes], group: bytes, report: Callable[..., None], reports: Reports
) -> None:
    pipeline.run(group, pictures, report)

    assert [(stage, faces) for stage, _, faces in reports] == [
        (Stage.DECODING, 0),
        (Stage.DETECTING, 0),
        (Stage.CLASSIFYING, 5),
        (Stage.COMPOSING, 5),
    ]
    percents = [percent for _, percent, _ in reports]
    assert percents == sorted(percents)
    assert percents[-1] < 100


def test_pixels_away_from_the_faces_of_a_png_stay_exactly_as_they_were(
    pipeline: Pipeline, pictures: dict[str, bytes], astronaut: Pixels, save: Save, report: Callable[..., None]
) -> None:
    result = pipeline.run(save(astronaut, "PNG"), pictures, report)

    after = decode(result.image).pixels
    (face,) = result.faces
    y, x = np.mgrid[0:512, 0:512]
    away = np.hypot(x - face.box.center[0], y - face.box.center[1]) > face.box.side
    assert (after[away] == astronaut[away]).all()
    assert (after[~away] != astronaut[~away]).any()


def test_a_photo_turned_by_exif_comes_out_upright_and_covered(
    pipeline: Pipeline, pictures: dict[str, bytes], astronaut: Pixels, save: Save, report: Callable[..., None]
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = np.ascontiguousarray(np.rot90(astronaut[:, :400]))

    result = pipeline.run(save(stored, "JPEG", exif=exif), pictures, report)

    assert (result.width, result.height) == (400, 512)
    assert Image.open(BytesIO(result.image)).size == (400, 512)
    assert not Image.open(BytesIO(result.image)).getexif()
    assert abs(result.faces[0].roll) < 15


def test_a_png_with_alpha_keeps_it(
    pipeline: Pipeline, pictures: dict[str, bytes], astronaut: Pixels, save: Save, report: Callable[..., None]
) -> None:
    alpha = np.full((512, 512, 1), 255, np.uint8)
    alpha[400:] = 0

    result = pipeline.run(save(np.concatenate([astronaut, alpha], axis=2), "PNG"), pictures, report)

    after = decode(result.image).pixels
    assert (after[400:, :, 3] == 0).all()
    assert (after[:50, :, 3] == 255).all()
    assert len(result.faces) == 1


def test_a_photo_without_a_face_is_a_result_without_faces(
    pipeline: Pipeline, pictures: dict[str, bytes], scene: Pixels, save: Save, report: Callable[..., None]
) -> None:
    result = pipeline.run(save(scene, "PNG"), pictures, report)

    assert result.faces == ()
    assert (decode(result.image).pixels == scene).all()


def test_another_expression_is_composed_without_detection(
    pipeline: Pipeline, pictures: dict[str, bytes], astronaut: Pixels, save: Save, report: Callable[..., None]
) -> None:
    photo = decode(save(astronaut, "PNG"))
    (face,), _ = pipeline.find(photo, report)

    covered = compose(photo, [face], pictures)
    uncovered = compose(photo, [face], pictures, covered=[False])

    assert (uncovered.pixels == astronaut).all()
    assert (covered.pixels != astronaut).any()


@pytest.mark.parametrize("degrees", [0, -30])
def test_a_marked_face_is_classified_in_its_box(pipeline: Pipeline, astronaut: Pixels, degrees: float) -> None:
    turned = np.asarray(Image.fromarray(astronaut).rotate(-degrees, Image.Resampling.BICUBIC, center=(224, 120)))
    box = Box(174, 60, 100, 120)

    face = pipeline.face_in(Photo(turned, Format.PNG), box)

    assert face.box == box
    assert face.expression == "happy"
    assert abs(face.roll - 5 - degrees) < 15
    assert face.detection_score == 1


@pytest.mark.parametrize("box", [Box(10, 300, 60, 60), Box(-50, -50, 80, 80), Box(600, 600, 50, 50), Box(5, 5, 0, 0)])
def test_any_box_that_a_person_draws_can_be_covered(
    pipeline: Pipeline, pictures: dict[str, bytes], astronaut: Pixels, box: Box
) -> None:
    photo = Photo(astronaut, Format.PNG)

    face = pipeline.face_in(photo, box)

    assert abs(sum(face.scores.values()) - 1) < 1e-5
    assert compose(photo, [face], pictures).pixels.shape == astronaut.shape


@pytest.mark.parametrize("data", [b"", b"a text file named photo.jpg", b"\xff\xd8\xff\xe0", bytes(1000)])
def test_bytes_that_are_no_photo_are_refused(
    pipeline: Pipeline, pictures: dict[str, bytes], data: bytes, report: Callable[..., None]
) -> None:
    with pytest.raises(PhotoError):
        pipeline.run(data, pictures, report)


def test_a_damaged_model_is_detected_on_load(models: Path, tmp_path: Path) -> None:
    copy = tmp_path / "models"
    shutil.copytree(models, copy)
    damaged = (copy / "fer.onnx").read_bytes()
    (copy / "fer.onnx").write_bytes(damaged[:-100])

    with pytest.raises(ModelDamaged, match=r"fer\.onnx is damaged"):
        Pipeline(copy)


def test_missing_models_name_the_make_target(tmp_path: Path) -> None:
    with pytest.raises(ModelDamaged, match="run `make assets`"):
        Pipeline(tmp_path)
