"""The settings of a policy that bound files from outside, put in force."""

from __future__ import annotations

from validation.files.limits import FileLimits, keep_to
from validation.policy.load import Policy


def keep_to_policy(policy: Policy) -> None:
    """From now on this process reads files within the limits of a policy."""
    keep_to(
        FileLimits(
            read_text_mib=policy.setting("read_text_mib"),
            read_label_lines=policy.setting("read_label_lines"),
            read_table_mib=policy.setting("read_table_mib"),
            read_model_mib=policy.setting("read_model_mib"),
            read_arrays_mib=policy.setting("read_arrays_mib"),
            pack_mib=policy.setting("pack_mib"),
            read_image_mib=policy.setting("read_image_mib"),
            read_image_megapixels=policy.setting("read_image_megapixels"),
            download_bytes=policy.setting("download_bytes"),
            archive_members=policy.setting("archive_members"),
            archive_unpacked_mib=policy.setting("archive_unpacked_mib"),
            tflite_tensor_mib=policy.setting("tflite_tensor_mib"),
            tflite_detections=policy.setting("tflite_detections"),
        )
    )
