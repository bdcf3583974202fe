"""Explanation: where two files of one model differ, from attributes to detections."""
