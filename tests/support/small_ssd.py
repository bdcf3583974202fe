"""The smallest model of a true architecture, and archives of it in the zoo's layout."""

from __future__ import annotations

from pathlib import Path

from validation.pipeline.config import PipelineConfig, parse_pipeline

# ssd_mobilenet_v1 at an eighth of its width, on an input that is not square.
TEXT = """\
model {
  ssd {
    num_classes: 3
    image_resizer { fixed_shape_resizer { height: 64 width: 96 } }
    feature_extractor {
      type: "ssd_mobilenet_v1"
      depth_multiplier: 0.125
      min_depth: 8
      conv_hyperparams {
        activation: RELU_6
        batch_norm { scale: true epsilon: 0.001 }
      }
    }
    box_coder {
      faster_rcnn_box_coder { y_scale: 10 x_scale: 10 height_scale: 5 width_scale: 5 }
    }
    box_predictor {
      convolutional_box_predictor {
        kernel_size: 1
        conv_hyperparams { activation: RELU_6 batch_norm { scale: true epsilon: 0.001 } }
      }
    }
    anchor_generator {
      ssd_anchor_generator {
        num_layers: 6 min_scale: 0.2 max_scale: 0.95
        aspect_ratios: 1.0 aspect_ratios: 2.0 aspect_ratios: 0.5
        aspect_ratios: 3.0 aspect_ratios: 0.3333
      }
    }
    post_processing {
      batch_non_max_suppression {
        score_threshold: 1e-8 iou_threshold: 0.6
        max_detections_per_class: 20 max_total_detections: 30
      }
      score_converter: SIGMOID
    }
  }
}
"""

# ssd_mobilenet_v1_fpn with one head for all levels, at an eighth of its width.
PYRAMID_TEXT = """\
model {
  ssd {
    num_classes: 3
    image_resizer { fixed_shape_resizer { height: 128 width: 128 } }
    feature_extractor {
      type: "ssd_mobilenet_v1_fpn"
      depth_multiplier: 0.125
      min_depth: 8
      fpn { min_level: 3 max_level: 7 additional_layer_depth: 128 }
      conv_hyperparams {
        activation: RELU_6
        batch_norm { scale: true epsilon: 0.001 }
      }
    }
    box_coder {
      faster_rcnn_box_coder { y_scale: 10 x_scale: 10 height_scale: 5 width_scale: 5 }
    }
    box_predictor {
      weight_shared_convolutional_box_predictor {
        depth: 16 num_layers_before_predictor: 1 kernel_size: 3
        conv_hyperparams { activation: RELU_6 batch_norm { scale: true epsilon: 0.001 } }
      }
    }
    anchor_generator {
      multiscale_anchor_generator {
        min_level: 3 max_level: 7 anchor_scale: 4
        aspect_ratios: 1.0 aspect_ratios: 2.0 aspect_ratios: 0.5 scales_per_octave: 2
      }
    }
    post_processing {
      batch_non_max_suppression {
        score_threshold: 1e-8 iou_threshold: 0.6
        max_detections_per_class: 20 max_total_detections: 30
      }
      score_converter: SIGMOID
    }
  }
}
"""


def config(text: str = TEXT) -> PipelineConfig:
    """The parsed config."""
    return parse_pipeline(text, "small/pipeline.config")


def write_small_archive(folder: Path, text: str = TEXT) -> Path:
    """A full archive: checkpoint, .meta, frozen graph, config and saved_model."""
    from validation.export.archive_writer import write_archive
    from validation.export.detector_weights import detector_weights

    folder.mkdir(parents=True, exist_ok=True)
    write_archive(folder, config(text), text, detector_weights)
    return folder
