"""Load the networks that losses look at pictures with; see `loader_node`."""

from comfy_api.latest import io

from ..guidance_losses import InputError
from ..guidance_losses.networks.classifier import load_classifier
from ..guidance_losses.networks.clip import load_clip
from ..guidance_losses.networks.csd import load_csd
from ..guidance_losses.networks.depth import load_depth_network
from ..guidance_losses.networks.face import load_face_network
from ..guidance_losses.networks.face_detector import load_face_detector
from ..guidance_losses.networks.face_networks import FaceNetworks
from ..guidance_losses.networks.object_detector import DETECTORS, load_object_detector
from ..guidance_losses.networks.pose import load_pose_network
from ..guidance_losses.networks.reward_head import load_reward_head
from ..guidance_losses.networks.segmentation import load_segmentation_network
from ..host import loaded_network
from .loader_node import CATEGORY, LoaderNode, LoaderSchema, classes_output
from .model_files import (
    CLASSIFIER,
    CLIP_CHECKPOINTS,
    CLIP_FOLDERS,
    CSD,
    DEPTH,
    DETECTION,
    FACE,
    POSE,
    REWARD,
    SEGMENTATION,
    FileNames,
)
from .sockets import (
    ClassifierSocket,
    ClipSocket,
    CsdSocket,
    DepthSocket,
    DetectorSocket,
    FaceSocket,
    PoseSocket,
    RewardHeadSocket,
    SegmentationSocket,
)

FROM_FOLDER = "from the folder"
NO_DETECTOR = "none"
ARCHITECTURES = [
    "ViT-B-16",
    "ViT-B-16-quickgelu",
    "ViT-B-32",
    "ViT-B-32-quickgelu",
    "ViT-L-14",
    "ViT-L-14-quickgelu",
    "ViT-L-14-336",
    "ViT-H-14",
    "ViT-g-14",
    "ViT-bigG-14",
]


class LoadClip(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_LoadCLIP",
            display_name="Load CLIP (open_clip)",
            category=CATEGORY,
            description="A CLIP for the losses that look through one: a folder or a checkpoint of open_clip, or "
            "transformers' checkpoint.",
            inputs=[
                io.Combo.Input(
                    "clip_name",
                    options=FileNames([*CLIP_FOLDERS.names(), *CLIP_CHECKPOINTS.names()]),
                    tooltip="A folder in models/dsg/clip, or a file there or among the host's text encoders. 'faces' "
                    "comes with the pack.",
                ),
                io.Combo.Input(
                    "architecture",
                    options=[FROM_FOLDER, *ARCHITECTURES],
                    default=FROM_FOLDER,
                    tooltip="What a single file holds. OpenAI's own weights are of the quickgelu kind.",
                ),
            ],
            outputs=[ClipSocket.Output("clip", display_name="clip")],
        )

    @classmethod
    def execute(cls, clip_name: str, architecture: str) -> io.NodeOutput:
        if clip_name in CLIP_FOLDERS.names():
            return io.NodeOutput(loaded_network(load_clip(CLIP_FOLDERS.path(clip_name))))
        path = CLIP_CHECKPOINTS.path(clip_name)
        if architecture == FROM_FOLDER:
            raise InputError(f"{clip_name} is a single file, which does not say what it is; choose its kind.")
        return io.NodeOutput(loaded_network(load_clip(path, architecture)))


class LoadCsd(LoaderNode):
    @classmethod
    def define_loader(cls) -> LoaderSchema:
        return LoaderSchema(
            node_id="DSG_LoadCSD",
            display_name="Load CSD",
            description="The contrastive style descriptor, for the distance CSD of Style Loss.",
            files=CSD,
            tooltip="A file in models/dsg/csd, .safetensors. None comes with the pack.",
            load=load_csd,
            socket=CsdSocket,
            output="csd",
        )


class LoadSegmentationModel(LoaderNode):
    @classmethod
    def define_loader(cls) -> LoaderSchema:
        return LoaderSchema(
            node_id="DSG_LoadSegmentationModel",
            display_name="Load Segmentation Model",
            description="A semantic segmentation model, as a folder of Hugging Face's kind (SegFormer and its like).",
            files=SEGMENTATION,
            tooltip="A folder in models/dsg/segmentation. 'faces' comes with the pack.",
            load=load_segmentation_network,
            socket=SegmentationSocket,
            has_classes=True,
        )


class LoadClassifier(LoaderNode):
    @classmethod
    def define_loader(cls) -> LoaderSchema:
        return LoaderSchema(
            node_id="DSG_LoadClassifier",
            display_name="Load Classifier",
            description="An image classifier, as a folder of Hugging Face's kind (ViT, ConvNeXt and their like).",
            files=CLASSIFIER,
            tooltip="A folder in models/dsg/classifier. 'faces' comes with the pack.",
            load=load_classifier,
            socket=ClassifierSocket,
            has_classes=True,
        )


class LoadDepthModel(LoaderNode):
    @classmethod
    def define_loader(cls) -> LoaderSchema:
        return LoaderSchema(
            node_id="DSG_LoadDepthModel",
            display_name="Load Depth Model",
            description="A network that sees depth, as a folder of Hugging Face's kind (Depth Anything, DPT).",
            files=DEPTH,
            tooltip="A folder in models/dsg/depth. 'faces' comes with the pack.",
            load=load_depth_network,
            socket=DepthSocket,
        )


class LoadPoseModel(LoaderNode):
    @classmethod
    def define_loader(cls) -> LoaderSchema:
        return LoaderSchema(
            node_id="DSG_LoadPoseModel",
            display_name="Load Pose Model",
            description="A network that sees a person's pose, as a folder of Hugging Face's kind (ViTPose).",
            files=POSE,
            tooltip="A folder in models/dsg/pose. 'faces' comes with the pack.",
            load=load_pose_network,
            socket=PoseSocket,
        )


class LoadFaceModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        files = FACE.names()
        return io.Schema(
            node_id="DSG_LoadFaceModel",
            display_name="Load Face Model",
            category=CATEGORY,
            description="A face recognition network, and a detector that finds faces for it: insightface's ONNX files, "
            "or weights of ArcFace's IR-SE networks.",
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=files,
                    tooltip="A file in models/insightface/models or models/dsg/face. 'faces_irse' comes with the pack.",
                ),
                io.Combo.Input(
                    "detector",
                    options=FileNames([NO_DETECTOR, *(name for name in files if name.endswith(".onnx"))]),
                    default=NO_DETECTOR,
                    optional=True,
                    tooltip="Finds faces and turns them upright: det_10g.onnx. none: pictures are cropped instead.",
                ),
            ],
            outputs=[FaceSocket.Output("model", display_name="model")],
        )

    @classmethod
    def execute(cls, model_name: str, detector: str = NO_DETECTOR) -> io.NodeOutput:
        recogniser = load_face_network(FACE.path(model_name))
        found = None if detector == NO_DETECTOR else load_face_detector(FACE.path(detector))
        return io.NodeOutput(loaded_network(FaceNetworks(recogniser, found)))


class LoadDetector(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="DSG_LoadDetector",
            display_name="Load Object Detector",
            category=CATEGORY,
            description="One of torchvision's object detectors, for COCO's classes or your own, from its file.",
            inputs=[
                io.Combo.Input(
                    "model_name",
                    options=DETECTION.names(),
                    tooltip="A file in models/dsg/detection. faces_fcos.safetensors comes with the pack.",
                ),
                io.Combo.Input(
                    "architecture",
                    options=list(DETECTORS),
                    default=DETECTORS[0],
                    tooltip="What the file holds; torchvision's files begin with it. fcos_small: the embedded one.",
                ),
            ],
            outputs=[
                DetectorSocket.Output("model", display_name="model"),
                classes_output(),
            ],
        )

    @classmethod
    def execute(cls, model_name: str, architecture: str) -> io.NodeOutput:
        network = load_object_detector(DETECTION.path(model_name), architecture)
        return io.NodeOutput(loaded_network(network), ", ".join(network.labels.values()))


class LoadRewardHead(LoaderNode):
    @classmethod
    def define_loader(cls) -> LoaderSchema:
        return LoaderSchema(
            node_id="DSG_LoadRewardHead",
            display_name="Load Reward Head",
            description="What reads a score off a CLIP's features of a picture: LAION's aesthetic predictors.",
            files=REWARD,
            tooltip="A file in models/dsg/reward, .safetensors or .pth. None comes with the pack.",
            load=load_reward_head,
            socket=RewardHeadSocket,
            output="head",
        )
