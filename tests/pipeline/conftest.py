"""One small pipeline.config in the mixed notation that people write."""

import pytest

CONFIG = """\
# A toy SSD; braces { in [ comments > mean nothing.
model {
  ssd: {
    num_classes: 7
    image_resizer { fixed_shape_resizer { height: 160 width: 224 } }
    feature_extractor {
      type: 'ssd_mobilenet_v1'
      depth_multiplier: 0.5  # half the channels
      use_depthwise: true
      conv_hyperparams {
        activation: RELU_6,
        regularizer { l2_regularizer { weight: 4e-5 } }
        initializer { truncated_normal_initializer { stddev: 0.03 } }
        batch_norm < decay: 0.99; scale: true; epsilon: 0.002 >
      }
    }
    box_coder {
      faster_rcnn_box_coder { y_scale: 8.0 x_scale: 9.0 height_scale: 4.0 width_scale: 6.0 }
    }
    matcher { argmax_matcher { matched_threshold: 0.5 } }
    similarity_calculator { iou_similarity {} }
    box_predictor {
      convolutional_box_predictor {
        kernel_size: 3
        conv_hyperparams { batch_norm { train: true } }
      }
    }
    anchor_generator {
      ssd_anchor_generator {
        num_layers: 5
        aspect_ratios: [1.0, 2.0,
                        0.5]
        aspect_ratios: 3.0
      }
    }
    post_processing {
      batch_non_max_suppression {
        score_threshold: 0.25
        iou_threshold: 0.5
        max_detections_per_class: 20
        max_total_detections: 30
      }
      score_converter: SIGMOID
    }
    normalize_loss_by_num_matches: false
    loss {
      classification_loss { weighted_sigmoid {} }
      classification_weight: 1.0
    }
  }
}
train_config: {
  batch_size: 2
  fine_tune_checkpoint: "a } path { with 'braces'"
  optimizer { adam_optimizer { epsilon: - 1.0 } }
}
train_input_reader { label_map_path: "labels" " and more" }
eval_config {
  num_examples: 12
  use_moving_averages: true
}
eval_input_reader { shuffle: false }
eval_input_reader [ { shuffle: true }, < shuffle: false > ]
graph_rewriter { quantization { delay: 100 } }
"""


@pytest.fixture
def config_text() -> str:
    """The text; tests change it."""
    return CONFIG
