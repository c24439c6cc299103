"""How each task is wired: `(graph, conditioning, batch) → guided conditioning`, about the people of a batch."""

from collections.abc import Callable
from dataclasses import dataclass

import torch

from embedded.face_parts import part_boxes
from embedded.held_out import STYLES, held_out_maps
from tools.graph import Graph, Slot, loss

BATCH = 16


@dataclass(frozen=True)
class Batch:
    """The first `size` of the held-out people from number 16·`number` on."""

    number: int
    size: int = BATCH

    @property
    def people(self) -> slice:
        return slice(BATCH * self.number, BATCH * self.number + self.size)


Wire = Callable[[Graph, Slot, Batch], Slot]

NOISE = 0.05  # standard deviation in the measurements, for pictures in [0, 1]
HIDDEN, FACTOR = 0.7, 4
BLUR_SIZE, BLUR_STD = 9, 1.5
BRIGHT, GOLD, PLACE = 0.7, (255, 215, 0), 16  # luminance, a colour, and the rows from the top that have it
HAIR = ("pink", "blue", "white", "red")  # the colour that a classifier is to see, of each batch in turn
# Of a reward by a prompt, 100 cosines: what one in ten held-out faces has in the eyes of the embedded CLIP, and none.
GOAL, NO_GOAL = 20.0, 100.0
# What is asked of each batch in turn, and the judge's attribute and class that it must show.
TEXTS = [
    ("a person with pink hair", "hair_color", "pink"),
    ("a person in a red shirt", "clothes_color", "red"),
    ("a person with blue hair", "hair_color", "blue"),
    ("a person on a navy background", "background", "navy"),
]


def asked_hair(batch: Batch) -> str:
    """The colour that a classifier is to see."""
    return HAIR[batch.number % len(HAIR)]


def faces(graph: Graph, people: slice) -> Slot:
    count = people.stop - people.start
    return [graph.add("DSG_LoadEmbeddedFaces", first=people.start, count=count, picture="first"), 0]


def noisy(graph: Graph, picture: Slot, batch: Batch) -> Slot:
    return [graph.add("ImageAddNoise", image=picture, seed=1000 + batch.number, strength=NOISE), 0]


def inpainting(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    image = faces(graph, batch.people)
    mask = [graph.add("DSG_RandomMask", image=image, hidden=HIDDEN, seed=2000 + batch.number), 0]
    known = {"image": noisy(graph, image, batch), "mask": mask, "threshold": 0.5, "restore_known": False}
    return loss(graph, "DSG_MaskLoss", conditioning, **known)


def super_resolution(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    shrinking = {"factor": FACTOR, "kernel": "bicubic"}
    small = [graph.add("DSG_ShrinkPicture", image=faces(graph, batch.people), **shrinking), 0]
    known = {"image": noisy(graph, small, batch), **shrinking}
    return loss(graph, "DSG_SuperResolutionLoss", conditioning, **known)


def deblurring(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    blurring = {"blur": "gaussian", "size": BLUR_SIZE, "std": BLUR_STD, "angle": 0.0}
    blurred = [graph.add("DSG_BlurPicture", image=faces(graph, batch.people), **blurring), 0]
    known = {"image": noisy(graph, blurred, batch), **blurring}
    return loss(graph, "DSG_DeblurLoss", conditioning, **known)


def segmentation(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    model = [graph.add("DSG_LoadSegmentationModel", model_name="faces"), 0]
    wanted = {"model": model, "image": faces(graph, batch.people), "classes": "all", "distance": "cross-entropy"}
    return loss(graph, "DSG_SegmentationLoss", conditioning, **wanted)


def face_id(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    model = [graph.add("DSG_LoadFaceModel", model_name="faces_irse.onnx"), 0]
    wanted = {"model": model, "image": faces(graph, batch.people), "crop": "whole picture", "one_each": True}
    return loss(graph, "DSG_FaceIDLoss", conditioning, **wanted)


def style(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    """Batch b takes the style `STYLES[b % 4]`, from the pictures of the people that are drawn in it."""
    clip = [graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder"), 0]
    drawn = range(batch.people.start + batch.number % len(STYLES), batch.people.stop, len(STYLES))
    references = one_batch(graph, [faces(graph, slice(person, person + 1)) for person in drawn])
    wanted = {"clip": clip, "image": references, "layers": "3", "distance": "log-Gram"}
    return loss(graph, "DSG_StyleLoss", conditioning, **wanted)


def text(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    clip = [graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder"), 0]
    wanted = {"clip": clip, "text": TEXTS[batch.number % len(TEXTS)][0], "negative": "", "cut_outs": 4}
    return loss(graph, "DSG_TextLoss", conditioning, **wanted)


def reward(goal: float) -> Wire:
    """The texts of `text` as prompts of a reward, up to a goal."""

    def wire(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
        clip = [graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder"), 0]
        prompt = TEXTS[batch.number % len(TEXTS)][0]
        return loss(graph, "DSG_RewardLoss", conditioning, clip=clip, prompt=prompt, goal=goal)

    return wire


def similarity(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    clip = [graph.add("DSG_LoadCLIP", clip_name="faces", architecture="from the folder"), 0]
    inputs = {"clip": clip, "image": faces(graph, batch.people), "compare": "overall", "layers": "-2"}
    return loss(graph, "DSG_SimilarityLoss", conditioning, **inputs)


def classifier(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    model = [graph.add("DSG_LoadClassifier", model_name="faces"), 0]
    return loss(graph, "DSG_ClassifierLoss", conditioning, model=model, classes=f"{asked_hair(batch)} hair")


def depth(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    model = [graph.add("DSG_LoadDepthModel", model_name="faces"), 0]
    return loss(graph, "DSG_DepthLoss", conditioning, model=model, image=faces(graph, batch.people))


def pose(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    model = [graph.add("DSG_LoadPoseModel", model_name="faces"), 0]
    return loss(graph, "DSG_PoseLoss", conditioning, model=model, image=faces(graph, batch.people))


def tiling(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    return loss(graph, "DSG_SeamlessLoss", conditioning, tiles="both")


def symmetry(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    return loss(graph, "DSG_SymmetryLoss", conditioning, mirror="left and right")


def brightness(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    return loss(graph, "DSG_AdjustmentLoss", conditioning, what="brightness", value=BRIGHT)


def color(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    """Gold in the upper quarter."""
    black = [graph.add("SolidMask", value=0.0, width=64, height=64), 0]
    white = [graph.add("SolidMask", value=1.0, width=64, height=PLACE), 0]
    place = [graph.add("MaskComposite", destination=black, source=white, x=0, y=0, operation="add"), 0]
    return loss(graph, "DSG_ColorLoss", conditioning, color="#{:02x}{:02x}{:02x}".format(*GOLD), place=place)


def asked_boxes(batch: Batch) -> dict[str, list[int]]:
    """Of the first of these people: where each part is, left, top, right and bottom in pixels."""
    boxes = part_boxes(torch.from_numpy(held_out_maps()[batch.people.start]))
    return {part: [int(edge) for edge in box] for part, box in boxes.items()}


def objects(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    """The parts of one face, each in its box, for all pictures of a batch."""
    masks = []
    for left, top, right, bottom in asked_boxes(batch).values():
        black = [graph.add("SolidMask", value=0.0, width=64, height=64), 0]
        white = [graph.add("SolidMask", value=1.0, width=right - left, height=bottom - top), 0]
        mask = [graph.add("MaskComposite", destination=black, source=white, x=left, y=top, operation="add"), 0]
        masks.append([graph.add("MaskToImage", mask=mask), 0])
    mask = [graph.add("ImageToMask", image=one_batch(graph, masks), channel="red"), 0]
    model = [graph.add("DSG_LoadDetector", model_name="faces_fcos.safetensors", architecture="fcos_small"), 0]
    wanted = {"mask": mask, "classes": ", ".join(asked_boxes(batch)), "boxes": "one for each mask"}
    return loss(graph, "DSG_ObjectLoss", conditioning, model=model, **wanted)


def landmarks(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    detector = {"model_name": "faces_irse.onnx", "detector": "faces_scrfd.onnx"}
    model = [graph.add("DSG_LoadFaceModel", **detector), 0]
    return loss(graph, "DSG_LandmarkLoss", conditioning, model=model, image=faces(graph, batch.people))


def one_batch(graph: Graph, images: list[Slot]) -> Slot:
    """Pictures of one size, as a batch."""
    first, *others = images
    for other in others:
        first = [graph.add("ImageBatch", image1=first, image2=other), 0]
    return first


def qr_texts(batch: Batch) -> list[str]:
    """What the codes of a batch say, each another; as much as the smallest code holds."""
    return [f"DSG {number:03d}" for number in range(batch.people.start, batch.people.stop)]


def qr_code(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
    drawn = [[graph.add("DSG_QRCode", text=text, error_correction="high (30 %)"), 0] for text in qr_texts(batch)]
    return loss(graph, "DSG_QRLoss", conditioning, code=one_batch(graph, drawn), module_size=0, margin=2, contrast=0.4)


def chained(*wires: Wire) -> Wire:
    """Several losses, one after the other."""

    def wire(graph: Graph, conditioning: Slot, batch: Batch) -> Slot:
        for each in wires:
            conditioning = each(graph, conditioning, batch)
        return conditioning

    return wire
