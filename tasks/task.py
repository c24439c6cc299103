"""The tasks of the DSG paper and of the methods it is compared with."""

from dataclasses import dataclass

from tasks.judging import (
    Judge,
    both,
    judge_blurred,
    judge_brightness,
    judge_class,
    judge_color,
    judge_depth,
    judge_face_id,
    judge_landmarks,
    judge_objects,
    judge_qr_code,
    judge_restored,
    judge_reward,
    judge_segmentation,
    judge_shrunk,
    judge_similarity,
    judge_style,
    judge_symmetry,
    judge_text,
    judge_tiling,
    together,
)
from tasks.wiring import (
    GOAL,
    NO_GOAL,
    Wire,
    brightness,
    chained,
    classifier,
    color,
    deblurring,
    depth,
    face_id,
    inpainting,
    landmarks,
    objects,
    pose,
    qr_code,
    reward,
    segmentation,
    similarity,
    style,
    super_resolution,
    symmetry,
    text,
    tiling,
)


@dataclass(frozen=True)
class Task:
    """One task on batches of 16 pictures.

    Attributes:
        wire: see `wiring`.
        judge: see `judging`. Its first figure is what the task is about, the more the better.
    """

    wire: Wire
    judge: Judge


TASKS = {
    "inpainting": Task(inpainting, judge_restored),
    "super-resolution": Task(super_resolution, together(judge_restored, judge_shrunk)),
    "deblurring": Task(deblurring, together(judge_restored, judge_blurred)),
    "segmentation": Task(segmentation, judge_segmentation),
    "FaceID": Task(face_id, judge_face_id),
    "style": Task(style, judge_style),
    "text": Task(text, judge_text),
    "text and style": Task(chained(text, style), both(judge_text, judge_style)),
    "text and segmentation": Task(chained(text, segmentation), both(judge_segmentation, judge_text)),
    "FaceID and segmentation": Task(chained(face_id, segmentation), both(judge_segmentation, judge_face_id)),
}

# Conditions that no paper has judged: beside unguided pictures alone.
CONDITIONS = {
    "tiling": Task(tiling, judge_tiling),
    "symmetry": Task(symmetry, judge_symmetry),
    "colour at a place": Task(color, judge_color),
    "brightness": Task(brightness, judge_brightness),
    "QR code": Task(qr_code, judge_qr_code),
    "objects": Task(objects, judge_objects),
    "landmarks": Task(landmarks, judge_landmarks),
    "depth": Task(depth, judge_depth),
    "pose": Task(pose, judge_landmarks),
    "classifier": Task(classifier, judge_class),
    "similarity": Task(similarity, judge_similarity),
    "reward": Task(reward(GOAL), judge_reward),
    "reward, no goal": Task(reward(NO_GOAL), judge_reward),
}
